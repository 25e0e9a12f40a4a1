/**
 * Answers of providers to a program under mocks. A value that only a provider can compute becomes a marker with its origin
 * (`@@Vpc/cluster.id@@`), so that a graph shows references, also within texts.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { markerName } from "./registration.ts";

/** A call of a provider's function. */
export type Call = pulumi.runtime.MockCallArgs;
type Resource = pulumi.runtime.MockResourceArgs;
type Values = Readonly<Record<string, unknown>>;

/** The account of every graph, and of the test double of AWS. */
export const ACCOUNT = "123456789012";

/** A resource's id and state. */
export function answerResource(resource: Resource, region: string): { id: string; state: Values } {
  if (!resource.type.startsWith("aws:")) return { id: `${resource.name}-id`, state: answerOther(resource) };
  const marker = (path: string) => `@@${markerName(`${resource.type} ${resource.name}`)}.${path}@@`;
  const computed = Object.fromEntries(computedTexts(resource.type).map((name) => [name, marker(name)]));
  const lists = LISTS[resource.type]?.(resource.inputs, marker);
  return { id: marker("id"), state: { ...computed, region, ...lists, ...resource.inputs } };
}

function answerOther(resource: Resource): Values {
  const computed: Record<string, Values> = {
    "docker-build:index:Image": { digest: `@@${resource.name}.digest@@`, ref: `@@${resource.name}.ref@@` },
    "docker-build:index:Index": { ref: `@@${resource.name}.ref@@` },
    "docker:index/remoteImage:RemoteImage": { imageId: `@@${resource.name}.imageId@@` },
    "pulumi:index:Stash": { output: resource.inputs["input"] },
    "random:index/randomPassword:RandomPassword": { result: `@@${resource.name}.result@@` },
  };
  return { ...resource.inputs, ...computed[resource.type] };
}

/** Computed lists whose first entries a program reads. */
const LISTS: Record<string, (inputs: Values, marker: (path: string) => string) => Values> = {
  "aws:acm/certificate:Certificate": (inputs, marker) => ({
    domainValidationOptions: [inputs["domainName"], ...((inputs["subjectAlternativeNames"] as string[]) ?? [])].map(
      (domainName, at) => ({
        domainName,
        resourceRecordName: marker(`domainValidationOptions[${at}].resourceRecordName`),
        resourceRecordType: marker(`domainValidationOptions[${at}].resourceRecordType`),
        resourceRecordValue: marker(`domainValidationOptions[${at}].resourceRecordValue`),
      }),
    ),
  }),
  "aws:ec2/vpcEndpoint:VpcEndpoint": (_, marker) => ({
    dnsEntries: [{ dnsName: marker("dnsEntries[0].dnsName"), hostedZoneId: marker("dnsEntries[0].hostedZoneId") }],
  }),
};

const texts = new Map<string, string[]>();

/** Names of a type's outputs that are always strings. An optional input is `string | undefined`, so it is not included. */
function computedTexts(type: string): string[] {
  const known = texts.get(type);
  if (known) return known;
  const [, file = ""] = type.split(":");
  const declared = readFileSync(join("node_modules", "@pulumi", "aws", `${file}.d.ts`), "utf8");
  const found = [...declared.matchAll(/readonly (\w+): pulumi\.Output<string>;/g)].map(([, name = ""]) => name);
  texts.set(type, found);
  return found;
}

/** The result of a provider's function. @throws {Error} for a function without an answer here */
export function answerCall(call: Call, region: string): Values {
  const answer = CALLS[call.token];
  if (answer) return answer(call.inputs, region);
  throw new Error(`No mock for the call ${call.token}: give it an answer in bench/support/provider-answers.ts.`);
}

const zones = (region: string) => ["a", "b", "c"].map((letter) => `${region}${letter}`);

/** Marker for the result of a call. */
const data = (call: string, key: string, attribute: string) => `@@${call}/${key}.${attribute}@@`;

const CALLS: Record<string, (inputs: Values, region: string) => Values> = {
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({
    id: ACCOUNT,
    accountId: ACCOUNT,
    arn: `arn:aws:iam::${ACCOUNT}:user/operator`,
    userId: "AIDAOPERATOR",
  }),
  "aws:index/getRegion:getRegion": (_, region) => ({ id: region, name: region, region, description: region }),
  "aws:index/getPartition:getPartition": () => ({ id: "aws", partition: "aws", dnsSuffix: "amazonaws.com" }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": (_, region) => ({
    id: region,
    names: zones(region),
    zoneIds: zones(region).map((_zone, at) => `az${at + 1}`),
  }),
  "aws:ssm/getParameter:getParameter": ({ name }) => ({
    id: name,
    name,
    type: "String",
    value: data("getParameter", String(name), "value"),
    insecureValue: data("getParameter", String(name), "insecureValue"),
  }),
  "aws:ec2/getPrefixList:getPrefixList": ({ name }) => ({
    name,
    id: data("getPrefixList", String(name), "id"),
    prefixListId: data("getPrefixList", String(name), "id"),
  }),
  "aws:ec2/getManagedPrefixList:getManagedPrefixList": ({ name }) => ({
    name,
    id: data("getManagedPrefixList", String(name), "id"),
  }),
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": (inputs, region) => {
    const filters = (inputs["filters"] ?? []) as { name: string; values: string[] }[];
    const types = filters.find(({ name }) => name === "instance-type")?.values ?? [];
    const everywhere = types.flatMap((type) => zones(region).map((zone) => ({ type, zone })));
    return {
      id: region,
      instanceTypes: everywhere.map(({ type }) => type),
      locations: everywhere.map(({ zone }) => zone),
      locationTypes: everywhere.map(() => "availability-zone"),
    };
  },
  "aws:ec2/getVpc:getVpc": ({ id }, region) => ({
    id,
    arn: `arn:aws:ec2:${region}:${ACCOUNT}:vpc/${id}`,
    cidrBlock: "10.77.0.0/16",
    enableDnsHostnames: true,
    enableDnsSupport: true,
    state: "available",
  }),
  "aws:ec2/getSubnet:getSubnet": ({ id }, region) => ({
    id,
    arn: `arn:aws:ec2:${region}:${ACCOUNT}:subnet/${id}`,
    availabilityZone: zones(region)[0],
    cidrBlock: "10.77.0.0/18",
    state: "available",
  }),
  "aws:route53/getZone:getZone": ({ name, zoneId }) => ({
    id: zoneId ?? data("getZone", String(name), "zoneId"),
    zoneId: zoneId ?? data("getZone", String(name), "zoneId"),
    name,
  }),
  "aws:ecr/getAuthorizationToken:getAuthorizationToken": (_, region) => ({
    authorizationToken: "QVdTOnRva2Vu",
    userName: "AWS",
    password: "token",
    proxyEndpoint: `https://${ACCOUNT}.dkr.ecr.${region}.amazonaws.com`,
    expiresAt: "2030-01-01T00:00:00Z",
  }),
  "aws:ecr/getCredentials:getCredentials": (_, region) => ({
    authorizationToken: "QVdTOnRva2Vu",
    proxyEndpoint: `https://${ACCOUNT}.dkr.ecr.${region}.amazonaws.com`,
  }),
  "aws:servicequotas/getServiceQuota:getServiceQuota": (inputs) => ({ ...inputs, value: 1000, defaultValue: 0 }),
};
