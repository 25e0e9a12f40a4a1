/** What every EC2 machine must be like. */
import { at, aws, elements, type Finding, is, isSet, type Props, type Rule } from "../model.ts";

const INSTANCE = aws("ec2", "Instance");
const LAUNCH_TEMPLATE = aws("ec2", "LaunchTemplate");
const isMachine = (type: string) => type === INSTANCE || type === LAUNCH_TEMPLATE;

/** What an instance does not say itself it takes from its launch template, which is looked at on its own. */
const inherits = (props: Props, property: string) => isSet(props["launchTemplate"]) && props[property] === undefined;

const metadata: Rule = {
  name: "imds-v2-with-one-hop",
  must: "the metadata service must require a session token (IMDSv2) and a hop limit of 1",
  why: "With version 1, or over a container's bridge, anyone who makes the machine fetch an address gets its role's credentials.",
  remedy: 'Write `metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 }`.',
  check: ({ type, props }) => {
    if (!isMachine(type) || inherits(props, "metadataOptions")) return [];
    if (at(props, "metadataOptions.httpEndpoint") === "disabled") return [];
    const wanted = { httpTokens: "required", httpPutResponseHopLimit: 1 };
    return Object.entries(wanted).flatMap(([property, value]) => {
      const path = `metadataOptions.${property}`;
      return is(at(props, path), value) ? [] : [{ path, value: at(props, path) }];
    });
  },
};

const volumes: Rule = {
  name: "volumes-are-encrypted",
  must: "every EBS volume must be encrypted",
  why: "A volume holds the model, its cache and prompts, and snapshots of it can be shared.",
  remedy: "Write `encrypted: true`.",
  check: ({ type, props }) => {
    if (type === aws("ec2", "LaunchTemplate")) return templateVolumes(props);
    if (type === aws("ebs", "Volume")) return unencrypted(props["encrypted"], "encrypted");
    if (type !== INSTANCE) return [];
    const root = inherits(props, "rootBlockDevice")
      ? []
      : unencrypted(at(props, "rootBlockDevice.encrypted"), "rootBlockDevice.encrypted");
    const others = elements(props["ebsBlockDevices"]).flatMap((device, index) =>
      unencrypted(at(device, "encrypted"), `ebsBlockDevices[${index}].encrypted`),
    );
    return [...root, ...others];
  },
};

const unencrypted = (value: unknown, path: string): Finding[] => (is(value, true) ? [] : [{ path, value }]);

function templateVolumes(props: Props): Finding[] {
  const mappings = elements(props["blockDeviceMappings"]);
  if (mappings.length === 0) return [{ path: "blockDeviceMappings", value: undefined }];
  return mappings.flatMap((mapping, index) =>
    at(mapping, "ebs") === undefined
      ? []
      : unencrypted(at(mapping, "ebs.encrypted"), `blockDeviceMappings[${index}].ebs.encrypted`),
  );
}

const noKeyPair: Rule = {
  name: "no-key-pair",
  must: "no machine may have an SSH key pair",
  why: "An SSH key is access that nobody logs and nobody revokes when a person leaves.",
  remedy: "Remove it; `connect` prints how to reach the front through Session Manager.",
  check: ({ type, props }) => {
    if (type === aws("ec2", "KeyPair")) return [{ path: "", value: undefined }];
    return isMachine(type) && isSet(props["keyName"]) ? [{ path: "keyName", value: props["keyName"] }] : [];
  },
};

/** The rules of this file. */
export const machineRules: readonly Rule[] = [metadata, volumes, noKeyPair];
