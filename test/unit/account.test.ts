import { describe, expect, test } from "vitest";
import { parseCluster } from "../../config/parse.ts";
import { type AccountFacts, availabilityZoneFor } from "../../plan/account/facts.ts";
import { accountFindings, withAccountFindings } from "../../plan/account/findings.ts";
import { machineTypes } from "../../plan/catalog/index.ts";
import { quotaCodeOf } from "../../plan/catalog/quotas.ts";
import { type ClusterPlan, planCluster } from "../../plan/index.ts";
import { applyChange } from "../../plan/remedies/change.ts";
import { small } from "../support/aws-situations.ts";

/** A cluster of one front on c8g.large and two machines with GPUs, 2 and 8 vCPUs of two quotas. */
function configuration(values: Record<string, unknown> = {}, pool: Record<string, unknown> = {}) {
  const { aws, ...more } = values;
  return {
    target: "aws",
    aws: { region: "us-east-1", ...(aws as object) },
    model: { source: "hf:owner/repository/model.gguf" },
    front: { machine: "c8g.large" },
    backends: [{ name: "gpu", machine: "g6.xlarge", count: 2, ...pool }],
    ...more,
  };
}

const planOf = (values: Record<string, unknown>): ClusterPlan =>
  planCluster(parseCluster(values, "plan"), small, { stack: "aws-test" });

const plan = planOf(configuration());
const spotPlan = planOf(configuration({}, { market: "spot" }));
const existing = (access: object = { privateCidr: "10.7.3.0/24" }) =>
  planOf(configuration({ aws: { network: { vpcId: "vpc-01234567", subnetId: "subnet-01234567" } }, access }));

const ALL = ["c8g.large", "g6.xlarge"];
const zone = (letter: string, types = ALL, spotUsdPerHour = {}) => ({
  name: `us-east-1${letter}`,
  types,
  spotUsdPerHour,
});

/** An account in which everything is well. */
const facts = (values: Partial<AccountFacts> = {}): AccountFacts => ({
  region: "us-east-1",
  quotas: { "L-1216C47A": 64, "L-DB2E81BA": 64, "L-3819A6DF": 64 },
  usedVcpus: {},
  zones: [zone("c"), zone("b"), zone("a", ["c8g.large"])],
  presentZone: null,
  subnets: null,
  reservations: null,
  ...values,
});

const subnet = (values = {}) => ({
  vpcId: "vpc-01234567",
  zone: "us-east-1b",
  cidr: "10.7.0.0/16",
  takenAddresses: ["10.7.3.77"],
  ...values,
});

describe("the zone of all machines", () => {
  test("is the first by name that offers every type", () =>
    expect(availabilityZoneFor(plan, facts())).toBe("us-east-1b"));

  test("stays what it is while that offers every type, as another one would replace everything", () => {
    expect(availabilityZoneFor(plan, facts({ presentZone: "us-east-1c" }))).toBe("us-east-1c");
    expect(availabilityZoneFor(plan, facts({ presentZone: "us-east-1a" }))).toBe("us-east-1b");
  });

  test("is what the stack file says, or that of its subnet", () => {
    const chosen = planOf(configuration({ aws: { availabilityZone: "us-east-1c" } }));
    expect(availabilityZoneFor(chosen, facts({ presentZone: "us-east-1b" }))).toBe("us-east-1c");
    const subnets = { "subnet-01234567": subnet({ zone: "us-east-1c" }) };
    expect(availabilityZoneFor(existing(), facts({ subnets }))).toBe("us-east-1c");
  });

  test("is not known where no zone will do or AWS did not say", () => {
    expect(availabilityZoneFor(plan, facts({ zones: [zone("a", ["c8g.large"])] }))).toBeNull();
    expect(availabilityZoneFor(plan, facts({ zones: null }))).toBeNull();
    expect(availabilityZoneFor(plan, facts({ zones: null, presentZone: "us-east-1c" }))).toBe("us-east-1c");
  });
});

describe("a quota", () => {
  const quotas = (gpu: number) => ({ "L-1216C47A": 64, "L-DB2E81BA": gpu });

  test("that is too small is an error, which says what to ask for and how", () => {
    const [found, ...others] = accountFindings(plan, facts({ quotas: quotas(7) }));
    expect(others).toEqual([]);
    expect(found).toMatchObject({ code: "quota-too-small", number: "F24", severity: "error" });
    expect(found?.message).toBe(
      "The machines need 8 vCPUs of L-DB2E81BA, but the account may run only 7 in us-east-1.",
    );
    expect(found?.remedyText).toContain(
      "`aws service-quotas request-service-quota-increase --region us-east-1 --service-code ec2 --quota-code L-DB2E81BA --desired-value 8`",
    );
  });

  test("that is just enough is no error, and one vCPU of somebody else's makes it one", () => {
    expect(accountFindings(plan, facts({ quotas: quotas(8) }))).toEqual([]);
    const [found] = accountFindings(plan, facts({ quotas: quotas(8), usedVcpus: { "L-DB2E81BA": 4 } }));
    expect(found?.message).toMatch(/may run only 8 in us-east-1, of which other machines use 4\.$/);
    expect(found?.remedyText).toMatch(/^Request 12 with .* --desired-value 12`/);
  });

  test("of spot machines is another one, and machines in a reservation count against none", () => {
    const lacking = facts({ quotas: { "L-1216C47A": 64, "L-DB2E81BA": 64, "L-3819A6DF": 0 }, zones: null });
    expect(accountFindings(spotPlan, lacking).map(({ message }) => message)).toEqual([
      "The machines need 8 vCPUs of L-3819A6DF, but the account may run only 0 in us-east-1.",
    ]);
    const reserved = planOf(configuration({}, { reservation: "cr-0123456789abcdef0" }));
    expect(accountFindings(reserved, facts({ quotas: quotas(0) }))).toEqual([]);
  });

  test("takes the place of the advice to look at the quotas, once AWS has answered for all", () => {
    const codes = (account: AccountFacts) => withAccountFindings(plan, account).findings.map(({ code }) => code);
    expect(plan.findings.map(({ code }) => code)).toContain("quota-needed");
    expect(codes(facts())).not.toContain("quota-needed");
    expect(codes(facts({ quotas: { "L-1216C47A": 64 } }))).toContain("quota-needed");
    expect(codes(facts({ quotas: quotas(0) }))[0]).toBe("quota-too-small");
  });

  test("is found by the letters of a type's name, for every family of the catalog and for types that no cluster has", () => {
    const families: Record<string, string> = {
      "L-1216C47A": "c7g c8g c8gd c8gn c9g m7g m8g m8gd m9g r7g r8g r8gd",
      "L-DB2E81BA": "g4dn g5 g5g g6 g6e g6f g7 g7e gr6 gr6f",
      "L-417A185B": "p3dn p4d p4de p5 p5e p5en p6-b200 p6-b300",
      "L-7295265B": "x8g",
      "L-F7808C92": "hpc7g",
    };
    for (const { name, family } of machineTypes()) {
      const code = Object.keys(families).find((one) => families[one]?.split(" ").includes(family));
      expect(code, `${family} is new: add it to this list`).toBeDefined();
      expect(quotaCodeOf(name, "on-demand"), name).toBe(code);
    }
    expect(
      ["t3.micro", "im4gn.large", "z1d.large", "vt1.3xlarge"].map((type) => quotaCodeOf(type, "on-demand")),
    ).toEqual(["L-1216C47A", "L-1216C47A", "L-1216C47A", "L-DB2E81BA"]);
    expect(
      ["u-6tb1.metal", "inf2.xlarge", "f1.2xlarge", "trn1.2xlarge"].map((type) => quotaCodeOf(type, "on-demand")),
    ).toEqual([null, null, null, null]);
    expect(quotaCodeOf("p5.48xlarge", "capacity-block")).toBeNull();
    expect(quotaCodeOf("p4d.24xlarge", "spot")).toBe("L-7212CCBC");
    expect(quotaCodeOf("p6-b200.48xlarge", "spot")).toBe("L-C4BD4855");
  });
});

describe("zones", () => {
  test("of which none offers every type are an error, which says what each lacks and which is nearest", () => {
    const zones = [zone("b", []), zone("a", ["c8g.large"])];
    const [found, ...others] = accountFindings(plan, facts({ zones }));
    expect(others).toEqual([]);
    expect(found).toMatchObject({ code: "no-zone-offers-all", number: "F25", severity: "error" });
    expect(found?.message).toBe(
      "No availability zone of us-east-1 offers every machine of the cluster: us-east-1a lacks g6.xlarge; us-east-1b lacks c8g.large and g6.xlarge.",
    );
    expect(found?.remedyText).toMatch(/^Choose another type in place of g6\.xlarge, one that us-east-1a offers\./);
  });

  test("that the stack file names and that do not offer every type are an error, whose change helps", () => {
    const raw = configuration({ aws: { availabilityZone: "us-east-1a" } });
    const [found, ...others] = accountFindings(planOf(raw), facts());
    expect(others).toEqual([]);
    expect(found).toMatchObject({ code: "zone-lacks-type", number: "F26", path: "aws.availabilityZone" });
    expect(found?.message).toBe("Availability zone us-east-1a does not offer g6.xlarge.");
    if (found?.remedy.change === undefined) throw new Error("the finding must say which zone to take");
    const changed = applyChange(parseCluster(raw, "plan"), found.remedy.change);
    expect(accountFindings(planCluster(changed, small, { stack: "aws-test" }), facts())).toEqual([]);
  });

  test("that the account does not have are reported as such, and without a remedy that would not help", () => {
    const far = planOf(configuration({ aws: { availabilityZone: "us-east-1z" } }));
    expect(accountFindings(far, facts())[0]?.message).toBe(
      "The account can't use us-east-1z as an availability zone of us-east-1.",
    );
    const [found] = accountFindings(far, facts({ zones: [zone("a", [])] }));
    expect(found?.remedy.change).toBeUndefined();
    expect(found?.remedyText).toContain("No other zone offers all of them.");
  });

  test("of a subnet that exists are reported at the subnet", () => {
    const subnets = { "subnet-01234567": subnet({ zone: "us-east-1a" }) };
    const [found] = accountFindings(existing(), facts({ subnets }));
    expect(found).toMatchObject({ code: "zone-lacks-type", path: "aws.network.subnetId" });
    expect(found?.remedyText).toBe("Name a subnet in us-east-1b or us-east-1c.");
  });
});

describe("spot machines", () => {
  const zones = (b: number | undefined, c: number) => [
    zone("b", ALL, b === undefined ? {} : { "g6.xlarge": b }),
    zone("c", ALL, { "g6.xlarge": c }),
  ];

  test("that cost nearly as much as on demand give an advice, whose change helps", () => {
    const raw = configuration({}, { market: "spot" });
    const account = facts({ zones: zones(0.79, 0.8) });
    const [found, ...others] = accountFindings(planOf(raw), account);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ code: "spot-saves-little", number: "F27", severity: "advice" });
    expect(found?.message).toMatch(/^Spot machines of g6\.xlarge cost 0\.79 US dollars per hour in us-east-1b now/);
    expect(found?.remedyText).toBe("Set backends[0].market to on-demand.");
    if (found?.remedy.change === undefined) throw new Error("the finding must say which market to take");
    const changed = applyChange(parseCluster(raw, "plan"), found.remedy.change);
    expect(accountFindings(planCluster(changed, small, { stack: "aws-test" }), account)).toEqual([]);
  });

  test("that another zone sells for less are reported with that zone, unless the cluster is there already", () => {
    const elsewhere =
      "Set backends[0].market to on-demand. Or set aws.availabilityZone to us-east-1c. Spot machines cost 0.30 US dollars per hour there.";
    expect(accountFindings(spotPlan, facts({ zones: zones(0.79, 0.3) }))[0]?.remedyText).toBe(elsewhere);
    const present = facts({ zones: zones(undefined, 0.3), presentZone: "us-east-1b" });
    const [found] = accountFindings(spotPlan, present);
    expect(found?.message).toMatch(/^Spot machines of g6\.xlarge are not available in us-east-1b now/);
    expect(found?.remedyText).toBe("Set backends[0].market to on-demand.");
  });

  test("that save a lot give no finding", () =>
    expect(accountFindings(spotPlan, facts({ zones: zones(0.3, 0.2) }))).toEqual([]));
});

describe("a network that exists", () => {
  const reported = (plan: ClusterPlan, subnets: AccountFacts["subnets"]) =>
    accountFindings(plan, facts({ subnets })).map(({ number, path, message }) => `${number} ${path}: ${message}`);

  test("without a fault gives no finding", () =>
    expect(reported(existing(), { "subnet-01234567": subnet() })).toEqual([]));

  test("must have the subnet, in the VPC", () => {
    expect(reported(existing(), { "subnet-01234567": null })).toEqual([
      "F28 aws.network.subnetId: There is no subnet subnet-01234567 in us-east-1.",
    ]);
    expect(reported(existing(), { "subnet-01234567": subnet({ vpcId: "vpc-89abcdef" }) })).toEqual([
      "F28 aws.network.subnetId: subnet-01234567 is a subnet of vpc-89abcdef, not of vpc-01234567.",
    ]);
  });

  test("must have room for the cluster's addresses, which nobody else has", () => {
    expect(reported(existing(), { "subnet-01234567": subnet({ cidr: "10.8.0.0/16" }) })).toEqual([
      "F28 access.privateCidr: The cluster's network 10.7.3.0/24 is not inside subnet-01234567, which has 10.8.0.0/16.",
    ]);
    const taken = subnet({ takenAddresses: [existing().front.address, "10.7.3.200"] });
    expect(reported(existing(), { "subnet-01234567": taken })).toEqual([
      `F28 access.privateCidr: Address ${existing().front.address} of subnet-01234567 is already in use.`,
    ]);
  });

  test("must have public subnets in two zones where there are any", () => {
    const publicSubnetIds = ["subnet-aaaaaaaa", "subnet-bbbbbbbb"];
    const network = { vpcId: "vpc-01234567", subnetId: "subnet-01234567", publicSubnetIds };
    const access = {
      mode: "public",
      privateCidr: "10.7.3.0/24",
      allowedCidrs: ["203.0.113.0/24"],
      domain: "llm.example.com",
    };
    const plan = planOf(configuration({ aws: { network }, access }));
    const subnets = (zone: string) => ({
      "subnet-01234567": subnet(),
      "subnet-aaaaaaaa": subnet(),
      "subnet-bbbbbbbb": subnet({ zone }),
    });
    expect(reported(plan, subnets("us-east-1c"))).toEqual([]);
    expect(reported(plan, subnets("us-east-1b"))).toEqual([
      "F28 aws.network.publicSubnetIds: The public subnets are all in us-east-1b, but a load balancer needs two zones.",
    ]);
  });
});

describe("a capacity reservation", () => {
  const ID = "cr-0123456789abcdef0";
  const plan = planOf(configuration({}, { reservation: ID }));
  const active = { state: "active", type: "g6.xlarge", zone: "us-east-1c", free: 2 };
  const reported = (values: object | null, of = plan) => {
    const reservations = { [ID]: values === null ? null : { ...active, ...values } };
    return accountFindings(of, facts({ reservations })).map(
      ({ number, path, message }) => `${number} ${path}: ${message}`,
    );
  };

  test("that has room says where the machines are", () => {
    expect(reported({})).toEqual([]);
    expect(availabilityZoneFor(plan, facts({ reservations: { [ID]: active } }))).toBe("us-east-1c");
  });

  test.each([
    [null, `There is no reservation ${ID} in us-east-1.`],
    [{ state: "expired" }, `Reservation ${ID} is expired, not active.`],
    [{ type: "g6.2xlarge" }, `Reservation ${ID} is for g6.2xlarge, not for g6.xlarge.`],
    [{ free: 1 }, `Reservation ${ID} has room for 1 machine, but the cluster needs 2 in it.`],
  ])("with a fault, %o, is an error", (values, message) =>
    expect(reported(values)).toEqual([`F30 backends[0].reservation: ${message}`]),
  );

  test("in another zone than the stack file names is an error", () => {
    const elsewhere = planOf(configuration({ aws: { availabilityZone: "us-east-1b" } }, { reservation: ID }));
    expect(reported({}, elsewhere)).toEqual([
      `F30 backends[0].reservation: Reservation ${ID} is in us-east-1c, but the machines are in us-east-1b.`,
    ]);
  });

  test("in a zone that lacks another type of the cluster is an error at the reservation", () =>
    expect(reported({ zone: "us-east-1a" })).toEqual([
      "F26 backends[0].reservation: Availability zone us-east-1a does not offer g6.xlarge.",
    ]));
});
