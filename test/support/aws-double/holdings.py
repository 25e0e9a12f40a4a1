"""GET /moto-api/holdings: the keys of whatever the double holds that somebody made, to see what a destroy leaves behind.

A list of paths like `ec2 us-east-1 vpcs/vpc-0123`, taken from the dictionaries of moto's backends, so that no kind of
resource is forgotten. moto's own dashboard (data.json) lists what was ever made.
"""

import json

from moto.core.base_backend import BackendDict
from moto.moto_api._internal.urls import url_paths

DEPTH = 3

# What is there without anybody's making, or is no resource.
GIVEN = {
    "ec2 amis",
    "ec2 managed_prefix_lists",
    "ec2 snapshots",  # of the images
    "ec2 tags",  # of what is listed itself
    "ecr registry_scanning_configuration",
    "iam managed_policies",
    "kms keys",  # AWS's own, made when something is encrypted with it
    "route53 delegation_sets",
}
GIVEN_ENTRIES = {"scheduler schedule_groups/default"}


def keys(value, path, depth):
    """Paths of the entries of nested dictionaries; what is empty is not there."""
    if isinstance(value, dict) and depth > 0:
        for key, inner in list(value.items()):
            if inner or not isinstance(inner, (dict, list, set)):
                yield from keys(inner, f"{path}/{key}", depth - 1)
    else:
        yield path


def excused(backend):
    """What moto's EC2 keeps of what is gone, and the default network that every account has."""
    default = {vpc.id for vpc in backend.vpcs.values() if vpc.is_default}
    gone = {acl.id for acl in backend.network_acls.values() if acl.vpc_id not in backend.vpcs}
    ended = {
        reservation.id
        for reservation in backend.reservations.values()
        if all(instance.state == "terminated" for instance in reservation.instances)
    }
    deleted = {end.id for end in backend.vpc_end_points.values() if end.state == "deleted"}
    cancelled = {
        name
        for name, request in backend.__dict__.get("double_spot_requests", {}).items()
        if request["State"] == "cancelled"
    }
    own = {
        thing.id
        for things in (backend.route_tables, backend.network_acls)
        for thing in things.values()
        if thing.vpc_id in default
    }
    own |= {subnet.id for zone in backend.subnets.values() for subnet in zone.values() if subnet.vpc_id in default}
    return default | gone | ended | deleted | cancelled | own


def held(service, region, backend):
    ids = excused(backend) if service == "ec2" else set()
    for name, value in list(vars(backend).items()):
        if not isinstance(value, dict) or name.startswith("_") or f"{service} {name}" in GIVEN:
            continue
        for path in keys(value, f"{service} {region} {name}", DEPTH):
            if not ids.intersection(path.split("/")) and path.replace(f" {region}", "") not in GIVEN_ENTRIES:
                yield path


def holdings(_request, _url, _headers):
    services = {one.service_name: one for one in list(BackendDict._instances)}
    found = {
        path
        for name, service in services.items()
        for _, region, backend in service.iter_backends()
        for path in held(name, region, backend)
    }
    return 200, {"Content-Type": "application/json"}, json.dumps(sorted(found))


url_paths["{0}/moto-api/holdings"] = holdings
