/** Terraform's names of the resource types that the AWS components use, and where its names do not follow Pulumi's. */

/** By Pulumi's type token; a type that is not here is skipped and listed. */
export const TYPES: Readonly<Record<string, string>> = {
  "aws:acm/certificate:Certificate": "aws_acm_certificate",
  "aws:acm/certificateValidation:CertificateValidation": "aws_acm_certificate_validation",
  "aws:budgets/budget:Budget": "aws_budgets_budget",
  "aws:cloudwatch/dashboard:Dashboard": "aws_cloudwatch_dashboard",
  "aws:cloudwatch/eventRule:EventRule": "aws_cloudwatch_event_rule",
  "aws:cloudwatch/eventTarget:EventTarget": "aws_cloudwatch_event_target",
  "aws:cloudwatch/logGroup:LogGroup": "aws_cloudwatch_log_group",
  "aws:cloudwatch/metricAlarm:MetricAlarm": "aws_cloudwatch_metric_alarm",
  "aws:codebuild/project:Project": "aws_codebuild_project",
  "aws:ec2/capacityReservation:CapacityReservation": "aws_ec2_capacity_reservation",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "aws_default_security_group",
  "aws:ec2/flowLog:FlowLog": "aws_flow_log",
  "aws:ec2/instance:Instance": "aws_instance",
  "aws:ec2/internetGateway:InternetGateway": "aws_internet_gateway",
  "aws:ec2/launchTemplate:LaunchTemplate": "aws_launch_template",
  "aws:ec2/networkAcl:NetworkAcl": "aws_network_acl",
  "aws:ec2/networkInterface:NetworkInterface": "aws_network_interface",
  "aws:ec2/networkInterfaceAttachment:NetworkInterfaceAttachment": "aws_network_interface_attachment",
  "aws:ec2/placementGroup:PlacementGroup": "aws_placement_group",
  "aws:ec2/route:Route": "aws_route",
  "aws:ec2/routeTable:RouteTable": "aws_route_table",
  "aws:ec2/routeTableAssociation:RouteTableAssociation": "aws_route_table_association",
  "aws:ec2/securityGroup:SecurityGroup": "aws_security_group",
  "aws:ec2/subnet:Subnet": "aws_subnet",
  "aws:ec2/tag:Tag": "aws_ec2_tag",
  "aws:ec2/volumeAttachment:VolumeAttachment": "aws_volume_attachment",
  "aws:ec2/vpc:Vpc": "aws_vpc",
  "aws:ec2/vpcEndpoint:VpcEndpoint": "aws_vpc_endpoint",
  "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation":
    "aws_vpc_endpoint_route_table_association",
  "aws:ec2/vpcEndpointService:VpcEndpointService": "aws_vpc_endpoint_service",
  "aws:ebs/volume:Volume": "aws_ebs_volume",
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": "aws_ecr_lifecycle_policy",
  "aws:ecr/repository:Repository": "aws_ecr_repository",
  "aws:ecr/repositoryPolicy:RepositoryPolicy": "aws_ecr_repository_policy",
  "aws:iam/instanceProfile:InstanceProfile": "aws_iam_instance_profile",
  "aws:iam/policy:Policy": "aws_iam_policy",
  "aws:iam/role:Role": "aws_iam_role",
  "aws:iam/rolePolicy:RolePolicy": "aws_iam_role_policy",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "aws_iam_role_policy_attachment",
  "aws:lb/listener:Listener": "aws_lb_listener",
  "aws:lb/listenerRule:ListenerRule": "aws_lb_listener_rule",
  "aws:lb/loadBalancer:LoadBalancer": "aws_lb",
  "aws:lb/targetGroup:TargetGroup": "aws_lb_target_group",
  "aws:lb/targetGroupAttachment:TargetGroupAttachment": "aws_lb_target_group_attachment",
  "aws:route53/record:Record": "aws_route53_record",
  "aws:route53/zone:Zone": "aws_route53_zone",
  "aws:s3/bucket:Bucket": "aws_s3_bucket",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "aws_s3_bucket_lifecycle_configuration",
  "aws:s3/bucketLogging:BucketLogging": "aws_s3_bucket_logging",
  "aws:s3/bucketObject:BucketObject": "aws_s3_object",
  "aws:s3/bucketObjectv2:BucketObjectv2": "aws_s3_object",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "aws_s3_bucket_ownership_controls",
  "aws:s3/bucketPolicy:BucketPolicy": "aws_s3_bucket_policy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "aws_s3_bucket_public_access_block",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
    "aws_s3_bucket_server_side_encryption_configuration",
  "aws:s3/bucketVersioning:BucketVersioning": "aws_s3_bucket_versioning",
  "aws:scheduler/schedule:Schedule": "aws_scheduler_schedule",
  "aws:scheduler/scheduleGroup:ScheduleGroup": "aws_scheduler_schedule_group",
  "aws:sns/topic:Topic": "aws_sns_topic",
  "aws:sns/topicPolicy:TopicPolicy": "aws_sns_topic_policy",
  "aws:sns/topicSubscription:TopicSubscription": "aws_sns_topic_subscription",
  "aws:ssm/parameter:Parameter": "aws_ssm_parameter",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "aws_vpc_security_group_egress_rule",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "aws_vpc_security_group_ingress_rule",
  "aws:wafv2/webAcl:WebAcl": "aws_wafv2_web_acl",
  "aws:wafv2/webAclAssociation:WebAclAssociation": "aws_wafv2_web_acl_association",
};

/** Pulumi's name of an input -> Terraform's, where the rule (snake case, singular) does not give it; by Terraform's type. */
export const RENAMED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  aws_cloudwatch_metric_alarm: { name: "alarm_name" },
  aws_sns_topic_subscription: { topic: "topic_arn" },
};

/** Pulumi function -> the data source, the argument that the key of a marker gives, and fixed arguments. */
export const DATA: Readonly<Record<string, { type: string; argument: string; more?: Record<string, unknown> }>> = {
  getParameter: { type: "aws_ssm_parameter", argument: "name" },
  getPrefixList: { type: "aws_prefix_list", argument: "name" },
  getManagedPrefixList: { type: "aws_ec2_managed_prefix_list", argument: "name" },
  getZone: { type: "aws_route53_zone", argument: "name" },
};

/**
 * Inputs that only version 6 of the provider has (Pulumi's 7): what stands for them in version 5, or null where nothing
 * does. `region` is everywhere and always the provider's here.
 */
export const SINCE_VERSION_6: Readonly<Record<string, (value: unknown) => Record<string, unknown> | null>> = {
  "*.region": () => ({}),
  // Takes stop and termination protection away before a destroy, which version 5 does for the latter by itself.
  "aws_instance.forceDestroy": () => null,
  "aws_instance.primaryNetworkInterface": (value) => ({
    networkInterfaces: [{ deviceIndex: 0, ...(value as Record<string, unknown>) }],
  }),
};
