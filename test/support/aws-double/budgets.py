"""Budgets: who is told, and tags. moto 5.2 stores the subscribers and can't be asked for them; tags it drops."""

import json

from moto.budgets.models import BudgetsBackend
from moto.budgets.responses import BudgetsResponse


def tags_of(backend):
    return backend.__dict__.setdefault("double_tags", {})


_create_budget = BudgetsResponse.create_budget
_delete_budget = BudgetsBackend.delete_budget


def create_budget(self):
    answer = _create_budget(self)
    arn = f"arn:aws:budgets::{self._get_param('AccountId')}:budget/{self._get_param('Budget')['BudgetName']}"
    tags_of(self.backend)[arn] = {tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags") or []}
    return answer


def delete_budget(self, account_id, budget_name):
    _delete_budget(self, account_id, budget_name)
    tags_of(self).pop(f"arn:aws:budgets::{account_id}:budget/{budget_name}", None)


def list_tags_for_resource(self):
    tags = tags_of(self.backend).get(self._get_param("ResourceARN"), {})
    return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]})


def tag_resource(self):
    tags = tags_of(self.backend).setdefault(self._get_param("ResourceARN"), {})
    tags.update({tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags")})
    return json.dumps({})


def untag_resource(self):
    for key in self._get_param("ResourceTagKeys"):
        tags_of(self.backend).get(self._get_param("ResourceARN"), {}).pop(key, None)
    return json.dumps({})


def describe_subscribers_for_notification(self):
    budget = self.backend.budgets[self._get_param("AccountId")][self._get_param("BudgetName")]
    asked = self._get_param("Notification")
    subscribers = [one.subscribers for one in budget.notifications if same(one.details, asked)]
    return json.dumps({"Subscribers": subscribers[0] if subscribers else []})


def same(one, other):
    """Whether two notifications are one; clients leave out what has its default."""
    keys = ("NotificationType", "ComparisonOperator", "Threshold")
    return all(one.get(key) == other.get(key) for key in keys) and (
        one.get("ThresholdType", "PERCENTAGE") == other.get("ThresholdType", "PERCENTAGE")
    )


def update_budget(self):
    new = self._get_param("NewBudget")
    self.backend.budgets[self._get_param("AccountId")][new["BudgetName"]].budget.update(new)
    return json.dumps({})


BudgetsResponse.create_budget = create_budget
BudgetsResponse.update_budget = update_budget
BudgetsResponse.list_tags_for_resource = list_tags_for_resource
BudgetsResponse.tag_resource = tag_resource
BudgetsResponse.untag_resource = untag_resource
BudgetsResponse.describe_subscribers_for_notification = describe_subscribers_for_notification
BudgetsBackend.delete_budget = delete_budget
