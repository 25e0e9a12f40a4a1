"""EC2: what moto 5.2 and the shim drop of RunInstances.

Of market options moto keeps only that there were some; AWS makes a spot request of them, which names the instance and
which clients read the options back from. The protection against termination and the capacity reservation are dropped.
"""

import uuid

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response


def requests_of(backend):
    return backend.__dict__.setdefault("double_spot_requests", {})


_run_instances = EC2Response.run_instances
_describe = EC2Response.describe_spot_instance_requests
_cancel = EC2Response.cancel_spot_instance_requests


def run_instances(self):
    result = _run_instances(self)
    market = self._get_param("InstanceMarketOptions") or {}
    kind = market.get("MarketType")
    for instance in result.result.instances:
        if str(self._get_param("DisableApiTermination")).lower() == "true":
            instance.disable_api_termination = True
        reservation = self._get_param("CapacityReservationSpecification")
        if reservation:
            instance.capacity_reservation_specification = reservation
        if not kind:
            continue
        instance.lifecycle = instance.instance_lifecycle = kind
        if kind != "spot":
            continue
        options = market.get("SpotOptions") or {}
        request = {
            "SpotInstanceRequestId": "sir-" + uuid.uuid4().hex[:8],
            "InstanceId": instance.id,
            "InstanceInterruptionBehavior": options.get("InstanceInterruptionBehavior") or "terminate",
            "SpotPrice": options.get("MaxPrice") or "1.000000",
            "Type": options.get("SpotInstanceType") or "one-time",
            "State": "active",
            "Status": {"Code": "fulfilled", "Message": "Your spot request is fulfilled."},
        }
        if options.get("ValidUntil"):
            request["ValidUntil"] = options["ValidUntil"]
        instance.spot_instance_request_id = request["SpotInstanceRequestId"]
        requests_of(self.ec2_backend)[request["SpotInstanceRequestId"]] = request
    return result


def describe_spot_instance_requests(self):
    asked = self._get_param("SpotInstanceRequestIds", [])
    own = requests_of(self.ec2_backend)
    if asked and all(one in own for one in asked):
        return ActionResult({"SpotInstanceRequests": [own[one] for one in asked]})
    return _describe(self)


def cancel_spot_instance_requests(self):
    asked = self._get_param("SpotInstanceRequestIds", [])
    own = requests_of(self.ec2_backend)
    if not all(one in own for one in asked):
        return _cancel(self)
    for one in asked:
        own[one]["State"] = "cancelled"
    return ActionResult(
        {"CancelledSpotInstanceRequests": [{"SpotInstanceRequestId": one, "State": "cancelled"} for one in asked]}
    )


EC2Response.run_instances = run_instances
EC2Response.describe_spot_instance_requests = describe_spot_instance_requests
EC2Response.cancel_spot_instance_requests = cancel_spot_instance_requests
