/** Whose a resource is, so that the bill says so and nothing is left behind. */
import {
  docker,
  type Finding,
  isProps,
  isSet,
  type Resource,
  ROLE_TAG,
  type Rule,
  STACK_TAG,
  tagsOf,
  UNKNOWN,
} from "../model.ts";

/** Types of the AWS provider that take no tags; whatever is not here must have them. */
export const WITHOUT_TAGS: ReadonlySet<string> = new Set([
  "aws:acm/certificateValidation:CertificateValidation",
  "aws:cloudwatch/eventTarget:EventTarget",
  "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
  "aws:cloudwatch/logStream:LogStream",
  "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
  "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess",
  "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation",
  "aws:ec2/networkInterfaceAttachment:NetworkInterfaceAttachment",
  "aws:ec2/networkInterfaceSecurityGroupAttachment:NetworkInterfaceSecurityGroupAttachment",
  "aws:ec2/route:Route",
  "aws:ec2/routeTableAssociation:RouteTableAssociation",
  "aws:ec2/securityGroupRule:SecurityGroupRule",
  "aws:ec2/volumeAttachment:VolumeAttachment",
  "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy",
  "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation",
  "aws:ec2/vpcEndpointSubnetAssociation:VpcEndpointSubnetAssociation",
  "aws:ec2/vpcEndpointServiceAllowedPrinciple:VpcEndpointServiceAllowedPrinciple",
  "aws:ecr/lifecyclePolicy:LifecyclePolicy",
  "aws:ecr/repositoryPolicy:RepositoryPolicy",
  "aws:iam/rolePolicy:RolePolicy",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  "aws:lambda/permission:Permission",
  "aws:lb/listenerCertificate:ListenerCertificate",
  "aws:lb/targetGroupAttachment:TargetGroupAttachment",
  "aws:route53/record:Record",
  "aws:s3/bucketAcl:BucketAcl",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "aws:s3/bucketNotification:BucketNotification",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketVersioning:BucketVersioning",
  "aws:scheduler/schedule:Schedule",
  "aws:sns/topicPolicy:TopicPolicy",
  "aws:sns/topicSubscription:TopicSubscription",
  "aws:wafv2/webAclAssociation:WebAclAssociation",
  "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
]);

const LABELLED = new Set([
  docker("Container"),
  docker("Network"),
  docker("Volume"),
  docker("Service"),
  docker("Secret"),
  "docker-build:index:Image",
]);

const WHAT = `\`${STACK_TAG}\` with the stack's name and \`${ROLE_TAG}\` with its role`;

function missing(resource: Resource, property: string): Finding[] {
  const tags = tagsOf(resource);
  if (tags === undefined) return [];
  return [STACK_TAG, ROLE_TAG]
    .filter((tag) => !isSet(tags[tag]))
    .map((tag) => ({ path: `${property}["${tag}"]`, value: tags[tag] }));
}

const tagged: Rule = {
  name: "tagged",
  must: "every resource that takes tags must name its stack and its role",
  why: "The bill, the budget, the schedule and `npm run leaks` use the tags.",
  remedy: `Add the tags ${WHAT}.`,
  check: (resource) =>
    resource.type.startsWith("aws:") && !WITHOUT_TAGS.has(resource.type)
      ? [...missing(resource, "tags"), ...volumesOf(resource)]
      : [],
};

/** A machine's volumes are resources of their own, which can outlive it. */
function volumesOf({ type, props }: Resource): Finding[] {
  if (type !== "aws:ec2/instance:Instance" || isSet(props["launchTemplate"])) return [];
  const root = isProps(props["rootBlockDevice"]) ? props["rootBlockDevice"]["tags"] : undefined;
  const tags = props["volumeTags"] ?? root;
  const isTagged = tags === UNKNOWN || (isProps(tags) && isSet(tags[STACK_TAG]));
  return isTagged ? [] : [{ path: `volumeTags["${STACK_TAG}"]`, value: undefined }];
}

const labelled: Rule = {
  name: "labelled",
  must: "everything that the Docker engine keeps must name its stack and its role",
  why: "Several clusters share one engine, and leftovers must be found.",
  remedy: `Add the labels ${WHAT}.`,
  check: (resource) => (LABELLED.has(resource.type) ? missing(resource, "labels") : []),
};

/** The rules of this file. */
export const ownershipRules: readonly Rule[] = [tagged, labelled];
