import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { formerly } from "../aliases.ts";
import { type ClusterContext, physicalName, tagsOf } from "./naming.ts";
import { Scheduler } from "./scheduler.ts";

/** Per cent of the budget at which a forecast is told, and at which what was spent is. */
const FORECAST_PERCENT = 80;
const SPENT_PERCENT = 100;

/**
 * What keeps costs within bounds and tells its owner: a budget, hours of rest, a topic for alarms. That machines stop by
 * themselves when nobody asks them anything is their own doing, see `boot/`.
 *
 * ### Cost
 * The first two budgets of an account are free, mails are free up to a thousand a month.
 */
export class Guardrails extends pulumi.ComponentResource {
  /** Who keeps the hours; null: the machines always run. */
  readonly scheduler: Scheduler | null;
  /** Topic whose subscriber is told; null: nobody is. */
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
        // Counts once the tag is a cost allocation tag of the account, which only its owner can say (docs/aws.md).
        costFilters: [{ name: "TagKeyValue", values: [`user:llama-rpc-cluster/stack$${context.stack}`] }],
        notifications: [notify("FORECASTED", FORECAST_PERCENT), notify("ACTUAL", SPENT_PERCENT)],
        tags: tagsOf(context, "guardrail", "month"),
      },
      this.#child(name, "budget"),
    );
  }
}
