import * as z from "zod";
import { absent, cidr, listOf, mapping, notes, oneOf, wholeNumber, written } from "./fields.ts";

const HOST_NAME = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/;

export const accessSchema = z
  .strictObject({
    mode: absent(
      oneOf(["ssm", "private", "public"], 'Write "ssm" unless others than you must reach the front.'),
      "ssm; not allowed with target docker",
    ).describe(
      "How the front is reached, with target aws: through a session of yours, from networks of yours, or from the Internet.",
    ),
    privateCidr: absent(
      cidr('Write it like "10.97.12.0/24".'),
      "derived from the stack's name, the same on every run",
    ).describe(
      "Private network of the RPC traffic; with target aws the whole VPC, or the cluster's part of an existing subnet.",
    ),
    allowedCidrs: absent(
      listOf(
        cidr('Write it like "203.0.113.0/24"; "0.0.0.0/0" is everybody.'),
        "a list of IPv4 networks",
        'Write it like ["203.0.113.0/24"].',
      ),
      "required with access.mode private and public, not allowed otherwise",
    ).describe("Who may reach the load balancer in front of the front; everybody needs the API key too."),
    domain: absent(
      written(HOST_NAME, "the name of a host in lower case", 'Write it like "llm.example.com".'),
      "required with access.mode public, not allowed otherwise",
    ).describe("Name of the public endpoint; gets a certificate and a DNS record."),
    hostedZone: absent(
      written(HOST_NAME, "the name of a public hosted zone of Route 53", 'Write it like "example.com".'),
      "`access.domain` without its first part",
    ).describe("Route 53 zone that contains the domain."),
    requestsPerFiveMinutes: absent(
      wholeNumber(10, 2_000_000, "Give the requests that one address may make in five minutes, like 300."),
      "no limit, and no web firewall",
    ).describe("Requests of one address in five minutes, above which a web firewall (WAF) answers 403."),
    privateLinkPrincipals: absent(
      listOf(
        written(
          /^arn:aws[a-z-]*:iam::\d{12}:\S+$/,
          "the ARN of an account, a user or a role",
          'Write it like "arn:aws:iam::123456789012:root".',
        ),
        "a list of ARNs of accounts, users or roles",
        'Write it like ["arn:aws:iam::123456789012:root"].',
      ),
      "no PrivateLink service",
    ).describe("Who may connect to the front through their own PrivateLink endpoint, with access.mode private."),
  })
  .register(notes, mapping("Write `privateCidr: 10.97.12.0/24` below it, or leave the key out."));
