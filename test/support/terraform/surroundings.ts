/** What the configurations take for granted in an account: an existing network and a hosted zone, made by the root. */

/** Ids that configurations name, and addresses that `provider-answers.ts` gives them. */
export const EXISTING = {
  vpcId: "vpc-0e0e0e0e0e0e0e0e0",
  subnetId: "subnet-0e0e0e0e0e0e0e0e1",
  publicSubnetIds: ["subnet-0e0e0e0e0e0e0e0e2", "subnet-0e0e0e0e0e0e0e0e3"],
  hostedZone: "example.com",
} as const;

/** Region of all that exists. */
const HOME = "us-east-1";
const CIDRS = { private: "10.77.0.0/18", public0: "10.77.64.0/24", public1: "10.77.65.0/24" };

const reference = (expression: string) => `\${${expression}}`;

/** The root's own resources. */
export const surroundings: Readonly<Record<string, unknown>> = {
  resource: {
    aws_route53_zone: { main: { name: EXISTING.hostedZone } },
    aws_vpc: { existing: { cidr_block: "10.77.0.0/16", enable_dns_support: true, enable_dns_hostnames: true } },
    aws_subnet: Object.fromEntries(
      Object.entries(CIDRS).map(([name, cidr]) => [
        name,
        {
          vpc_id: reference("aws_vpc.existing.id"),
          cidr_block: cidr,
          availability_zone: `${HOME}${name === "public1" ? "b" : "a"}`,
        },
      ]),
    ),
    aws_internet_gateway: { existing: { vpc_id: reference("aws_vpc.existing.id") } },
  },
};

/** What stands in a configuration for it -> variable of a module. */
export const literals: Readonly<Record<string, string>> = {
  [EXISTING.vpcId]: "var.vpc",
  [EXISTING.subnetId]: "var.subnet",
  [EXISTING.publicSubnetIds[0]]: "var.public0",
  [EXISTING.publicSubnetIds[1]]: "var.public1",
  [`@@getZone/${EXISTING.hostedZone}.zoneId@@`]: "var.zone",
};

/** Variable of a module -> the root's expression for it. */
export const values: Readonly<Record<string, string>> = {
  vpc: "aws_vpc.existing.id",
  subnet: "aws_subnet.private.id",
  public0: "aws_subnet.public0.id",
  public1: "aws_subnet.public1.id",
  zone: "aws_route53_zone.main.zone_id",
};
