import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { formerly } from "../aliases.ts";
import { type ClusterContext, physicalName, tagsOf } from "./naming.ts";
import { Scheduler } from "./scheduler.ts";

/** Per cent of the budget at which the forecast and the actual cost are reported. */
const FORECAST_PERCENT = 80;
const SPENT_PERCENT = 100;

/**
 * Limits and reports costs: a budget, a schedule, a topic for alarms. Idle machines stop themselves, see `boot/`.
 *
 * ### Cost
 * The first two budgets of an account are free, and so are a thousand mails a month.
 */
export class Guardrails extends pulumi.ComponentResource {
  /** Starts and stops machines by schedule; null: the machines always run. */
  readonly scheduler: Scheduler | null;
  /** Topic for alarms; null: none. */
  readonly topic: pulumi.Output<string> | null;

  constructor(name: string, args: { context: ClusterContext }, opts?: pulumi.ComponentResourceOptions) {
    const { context } = args;
    super("llama-rpc-cluster:aws:Guardrails", name, { ...context.plan.guardrails }, opts);
    const { schedule, alarmEmail, budgetUsdPerMonth } = context.plan.guardrails;
    this.topic = alarmEmail === null ? null : this.#topic(name, context, alarmEmail);
    if (budgetUsdPerMonth !== null && alarmEmail !== null) this.#budget(name, context, budgetUsdPerMonth, alarmEmail);
    this.scheduler =
      schedule === null
        ? null
        : new Scheduler(`${name}-hours`, { context, plan: schedule }, this.#child(name, "hours"));
    this.registerOutputs();
  }

  #child(name: string, kind: string) {
    return { parent: this, ...formerly(`${name}-${kind}`, kind) };
  }

  #topic(name: string, context: ClusterContext, alarmEmail: string): pulumi.Output<string> {
    const topic = new aws.sns.Topic(
      `${name}-alarm-topic`,
      { name: physicalName(context, "alarms"), tags: tagsOf(context, "guardrail", "alarms") },
      this.#child(name, "alarm-topic"),
    );
    new aws.sns.TopicSubscription(
      `${name}-alarm-mail`,
      { topic: topic.arn, protocol: "email", endpoint: alarmEmail },
      this.#child(name, "alarm-mail"),
    );
    return topic.arn;
  }

  #budget(name: string, context: ClusterContext, usdPerMonth: number, alarmEmail: string): void {
    const notify = (notificationType: "FORECASTED" | "ACTUAL", threshold: number) => ({
      notificationType,
      threshold,
      thresholdType: "PERCENTAGE",
      comparisonOperator: "GREATER_THAN",
      subscriberEmailAddresses: [alarmEmail],
    });
    new aws.budgets.Budget(
      `${name}-budget`,
      {
        name: physicalName(context, "month"),
        budgetType: "COST",
        timeUnit: "MONTHLY",
        limitAmount: usdPerMonth.toFixed(2),
        limitUnit: "USD",
        // Works only after the account's owner has activated the tag as a cost allocation tag (docs/aws.md).
        costFilters: [{ name: "TagKeyValue", values: [`user:llama-rpc-cluster/stack$${context.stack}`] }],
        notifications: [notify("FORECASTED", FORECAST_PERCENT), notify("ACTUAL", SPENT_PERCENT)],
        tags: tagsOf(context, "guardrail", "month"),
      },
      this.#child(name, "budget"),
    );
  }
}
