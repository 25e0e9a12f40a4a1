"""ELB: moto 5.2 drops whether a balancer's security groups hold for PrivateLink's traffic too."""

from moto.core.responses import ActionResult
from moto.elbv2.responses import ELBV2Response

NAME = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"

_set_security_groups = ELBV2Response.set_security_groups


def set_security_groups(self):
    result = _set_security_groups(self)
    enforced = self._get_param(NAME)
    if enforced:
        balancer = self.elbv2_backend.load_balancers[self._get_param("LoadBalancerArn")]
        balancer.enforce_security_group_inbound_rules_on_private_link_traffic = enforced
        return ActionResult({**result.result, NAME: enforced})
    return result


ELBV2Response.set_security_groups = set_security_groups
