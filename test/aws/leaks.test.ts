import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as ec2 from "@aws-sdk/client-ec2";
import * as iam from "@aws-sdk/client-iam";
import * as s3 from "@aws-sdk/client-s3";
import * as ssm from "@aws-sdk/client-ssm";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { relayedDouble } from "../support/aws-double/relayed.ts";

/** Each run of the command is a process that loads the AWS SDK. */
const SEVERAL_RUNS_MS = 240_000;
const REGION = "us-east-1";
const STACK = "leaks-test";
const PATH = `/llama-rpc-cluster/${STACK}/`;
const NAME = `llama-rpc-cluster-${STACK}-front`;
const TAGS = [
  { Key: "llama-rpc-cluster/stack", Value: STACK },
  { Key: "Name", Value: "gpu-machine-0" },
];

const { double, relay } = relayedDouble();

/** The double's side, as if somebody had typed at AWS. */
function clients() {
  const options = {
    endpoint: double().endpoint,
    region: REGION,
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
  };
  return {
    ec2: new ec2.EC2Client(options),
    iam: new iam.IAMClient(options),
    ssm: new ssm.SSMClient(options),
    s3: new s3.S3Client({ ...options, forcePathStyle: true }),
    logs: new logs.CloudWatchLogsClient(options),
  };
}

const CREDENTIALS = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" };

/** Runs the command, without what this machine's AWS set-up has in the environment. */
async function leaks(args: string[], env: Record<string, string> = CREDENTIALS) {
  const kept = ["PATH", "HOME", "TMPDIR"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const { exitCode, stdout, stderr } = await execa(process.execPath, ["cli/main.ts", "leaks", ...args], {
    reject: false,
    extendEnv: false,
    env: {
      ...Object.fromEntries(kept),
      AWS_ENDPOINT_URL: relay().endpoint,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: "none",
      AWS_SHARED_CREDENTIALS_FILE: "none",
      ...env,
    },
  });
  return { exitCode, stdout, stderr };
}

const ofStack = ["-s", STACK, "--region", REGION];

/** Leaves one thing of each kind, and a machine that is terminated already; answers how to remove them. */
async function leaveBehind(): Promise<{ ids: string[]; remove: () => Promise<void> }> {
  const aws = clients();
  const tagged = (ResourceType: ec2.ResourceType) => ({ ResourceType, Tags: TAGS });
  const { Images = [] } = await aws.ec2.send(
    new ec2.DescribeImagesCommand({ Filters: [{ Name: "architecture", Values: ["x86_64"] }] }),
  );
  const run = async () => {
    const { Instances = [] } = await aws.ec2.send(
      new ec2.RunInstancesCommand({
        ImageId: Images[0]?.ImageId,
        InstanceType: "g6.xlarge",
        MinCount: 1,
        MaxCount: 1,
        TagSpecifications: [tagged("instance")],
      }),
    );
    return Instances[0]?.InstanceId ?? "";
  };
  const terminate = (id: string) => aws.ec2.send(new ec2.TerminateInstancesCommand({ InstanceIds: [id] }));
  const [instance, terminated] = [await run(), await run()];
  await terminate(terminated);
  const { VolumeId = "" } = await aws.ec2.send(
    new ec2.CreateVolumeCommand({
      AvailabilityZone: `${REGION}a`,
      Size: 120,
      VolumeType: "gp3",
      TagSpecifications: [tagged("volume")],
    }),
  );
  const { GroupId = "" } = await aws.ec2.send(
    new ec2.CreateSecurityGroupCommand({
      GroupName: NAME,
      Description: "for a test",
      TagSpecifications: [tagged("security-group")],
    }),
  );
  await aws.iam.send(new iam.CreateRoleCommand({ RoleName: NAME, Path: PATH, AssumeRolePolicyDocument: "{}" }));
  await aws.iam.send(new iam.CreateInstanceProfileCommand({ InstanceProfileName: NAME, Path: PATH }));
  await aws.ssm.send(new ssm.PutParameterCommand({ Name: `${PATH}api-key`, Value: "hush", Type: "SecureString" }));
  await aws.s3.send(new s3.CreateBucketCommand({ Bucket: NAME }));
  const logGroupName = `/aws/codebuild/${NAME}`;
  await aws.logs.send(new logs.CreateLogGroupCommand({ logGroupName }));
  return {
    ids: [instance, VolumeId, GroupId, `${PATH.slice(1)}${NAME}`, `${PATH}api-key`, NAME, logGroupName],
    remove: async () => {
      await terminate(instance);
      await aws.ec2.send(new ec2.DeleteVolumeCommand({ VolumeId }));
      await aws.ec2.send(new ec2.DeleteSecurityGroupCommand({ GroupId }));
      await aws.iam.send(new iam.DeleteInstanceProfileCommand({ InstanceProfileName: NAME }));
      await aws.iam.send(new iam.DeleteRoleCommand({ RoleName: NAME }));
      await aws.ssm.send(new ssm.DeleteParameterCommand({ Name: `${PATH}api-key` }));
      await aws.s3.send(new s3.DeleteBucketCommand({ Bucket: NAME }));
      await aws.logs.send(new logs.DeleteLogGroupCommand({ logGroupName }));
    },
  };
}

describe("npm run leaks, for a stack on AWS", () => {
  test("names everything that was left on purpose with its price and its remedy, and nothing once it is removed", {
    timeout: SEVERAL_RUNS_MS,
  }, async () => {
    const { ids, remove } = await leaveBehind();
    const found = await leaks(ofStack);
    expect(found).toMatchObject({ exitCode: 1, stderr: "" });
    expect(found.stdout).toMatch(
      /^Of stack leaks-test, 8 things are left in us-east-1, and together they cost about 0\.82 US dollars per hour:$/m,
    );
    for (const id of ids) expect(found.stdout, `${id} is missing`).toContain(id);
    const [instance, volume] = ids;
    expect(found.stdout).toContain(`${instance} (g6.xlarge, running, gpu-machine-0; 0.80 US dollars per hour)`);
    expect(found.stdout).toContain(`aws ec2 terminate-instances --region us-east-1 --instance-ids ${instance}\n`);
    expect(found.stdout).toContain(`${volume} (120 GiB gp3, available; 0.01 US dollars per hour)`);
    expect(found.stdout).not.toContain("hush");
    const kinds = [...found.stdout.matchAll(/^ {2}(\w[\w ]*?) {2,}\S/gm)].map((match) => match[1]);
    expect(kinds, "machines must come before their security group, profiles before their role").toEqual([
      "bucket",
      "log group",
      "parameter",
      "instance",
      "volume",
      "instance profile",
      "role",
      "security group",
    ]);

    await remove();
    expect(await leaks(ofStack)).toEqual({
      exitCode: 0,
      stdout: "Of stack leaks-test, nothing is left in us-east-1.",
      stderr: "",
    });
  });

  test("believes the tagging service only where the service itself can't be asked", {
    timeout: SEVERAL_RUNS_MS,
  }, async () => {
    const gone = [
      `ssm:${REGION}:123456789012:parameter${PATH}api-key`,
      "s3:::llama-rpc-cluster-leaks-test-gone",
      `logs:${REGION}:123456789012:log-group:${PATH}gone`,
      `codebuild:${REGION}:123456789012:project/${NAME}`,
      `ec2:${REGION}:123456789012:instance/i-0123456789abcdef0`,
      "sns:eu-west-1:123456789012:of-a-stack-of-the-same-name",
    ];
    const topic = `arn:aws:sns:${REGION}:123456789012:${NAME}`;
    const listed = [...gone.map((rest) => `arn:aws:${rest}`), topic].map((ResourceARN) => ({ ResourceARN }));
    relay().answers.push({
      match: "ResourceGroupsTaggingAPI_20170126.GetResources",
      status: 200,
      body: JSON.stringify({ ResourceTagMappingList: listed }),
    });
    const { exitCode, stdout } = await leaks(ofStack);
    expect({ exitCode, first: stdout.split("\n").slice(0, 4) }).toEqual({
      exitCode: 1,
      first: [
        "Of stack leaks-test, 1 thing is left in us-east-1:",
        "",
        `  topic  ${topic} (may be gone)`,
        `           aws sns delete-topic --region us-east-1 --topic-arn ${topic}`,
      ],
    });
    expect(stdout).toContain("lags by some minutes: run this again");
  });

  test("does not say that nothing is left where one question was refused", { timeout: SEVERAL_RUNS_MS }, async () => {
    relay().answers.push({
      match: "Action=ListRoles",
      status: 403,
      body: "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>",
    });
    const { exitCode, stdout } = await leaks(ofStack);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /^Of stack leaks-test, nothing was found in us-east-1\.\n\nNot everything could be checked:/,
    );
    expect(stdout).toMatch(/AWS refuses the lists of IAM in us-east-1 \(AccessDenied: not you\): .*iam:ListRoles/);
  });

  test("says in one sentence that there are no credentials", { timeout: SEVERAL_RUNS_MS }, async () => {
    const { exitCode, stdout, stderr } = await leaks(ofStack, {});
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr.trim()).toMatch(/^There are no AWS credentials \(.*\): run `aws sso login`, .*\.$/);
  });

  test("says in one sentence that AWS can't be reached", { timeout: SEVERAL_RUNS_MS }, async () => {
    const nobody = { ...CREDENTIALS, AWS_ENDPOINT_URL: "http://127.0.0.1:9" };
    const { exitCode, stderr } = await leaks(ofStack, nobody);
    expect(exitCode).toBe(1);
    expect(stderr.trim()).toMatch(
      /^AWS can't be reached for .* \(Error: connect ECONNREFUSED 127\.0\.0\.1:9\): check the network\.$/,
    );
  });
});
