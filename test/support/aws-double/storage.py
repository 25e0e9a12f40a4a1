"""S3: moto 5.2 applies a bucket's policy without looking at its conditions, so that "not without TLS" forbids all."""

import json

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket


def get_permission(self, action, resource):
    if self.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(self.policy.decode())
    unconditional = [statement for statement in policy["Statement"] if "Condition" not in statement]
    return IAMPolicy(json.dumps({**policy, "Statement": unconditional})).is_action_permitted(action, resource)


FakeBucket.get_permission = get_permission
