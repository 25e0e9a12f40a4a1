import { aws, type Case, casesOf, type Inputs, tags } from "./case.ts";

const machine = (inputs: Inputs) => aws("ec2/instance:Instance", "machine", inputs);
const template = (inputs: Inputs) => aws("ec2/launchTemplate:LaunchTemplate", "template", inputs);
const V2 = { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 };

const metadata = casesOf("imds-v2-with-one-hop", [
  ["a machine wants tokens, one hop away", [machine({ metadataOptions: V2 }), template({ metadataOptions: V2 })]],
  ["a machine has no metadata service", [machine({ metadataOptions: { httpEndpoint: "disabled" } })]],
  ["a machine takes it from its template", [machine({ launchTemplate: { id: "lt-1" } })]],
  [
    "a machine says nothing about it",
    [machine({})],
    ["machine metadataOptions.httpTokens", "machine metadataOptions.httpPutResponseHopLimit"],
  ],
  [
    "a machine makes tokens optional",
    [machine({ metadataOptions: { ...V2, httpTokens: "optional" } })],
    ["machine metadataOptions.httpTokens"],
  ],
  [
    "a template lets containers reach it over a bridge",
    [template({ metadataOptions: { ...V2, httpPutResponseHopLimit: 2 } })],
    ["template metadataOptions.httpPutResponseHopLimit"],
  ],
]);

const volumes = casesOf("volumes-are-encrypted", [
  [
    "all are",
    [
      machine({ rootBlockDevice: { encrypted: true }, ebsBlockDevices: [{ deviceName: "/dev/sdf", encrypted: true }] }),
      template({ blockDeviceMappings: [{ ebs: { encrypted: "true" } }, { virtualName: "ephemeral0" }] }),
      aws("ebs/volume:Volume", "volume", { encrypted: true }),
    ],
  ],
  ["the root volume says nothing", [machine({})], ["machine rootBlockDevice.encrypted"]],
  [
    "the root volume is not",
    [machine({ rootBlockDevice: { encrypted: false } })],
    ["machine rootBlockDevice.encrypted"],
  ],
  [
    "a data volume of a machine is not",
    [machine({ rootBlockDevice: { encrypted: true }, ebsBlockDevices: [{ deviceName: "/dev/sdf" }] })],
    ["machine ebsBlockDevices[0].encrypted"],
  ],
  ["a volume of its own is not", [aws("ebs/volume:Volume", "volume", { size: 100 })], ["volume encrypted"]],
  [
    "a template's volume is not",
    [template({ blockDeviceMappings: [{ ebs: { volumeSize: 100 } }] })],
    ["template blockDeviceMappings[0].ebs.encrypted"],
  ],
  ["a template leaves it to the machine image", [template({})], ["template blockDeviceMappings"]],
]);

const keyPairs = casesOf("no-key-pair", [
  ["a machine has none", [machine({ tags: tags("front") })]],
  ["a machine has one", [machine({ keyName: "me" })], ["machine keyName"]],
  ["a template has one", [template({ keyName: "me" })], ["template keyName"]],
  ["one is made", [aws("ec2/keyPair:KeyPair", "pair", { publicKey: "ssh-ed25519 AAAA" })], ["pair "]],
]);

export const machineCases: readonly Case[] = [...metadata, ...volumes, ...keyPairs];
