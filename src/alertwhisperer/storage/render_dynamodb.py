"""DynamoDB's tables, rendered from `schema.py`: arguments of CreateTable, and a CloudFormation template.

Besides a table for each collection there is one for what is ours alone: guards of unique fields, rosters of the logs
and of the collections that have no partition, parts of large documents, bells of processes, and the version mark.
"""

from typing import Any, Final

from msgspec import json

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.schema import COLLECTIONS, Collection
from alertwhisperer.storage.dynamodb_items import TTL, attribute
from alertwhisperer.storage.render import INTEGER_FIELDS

Definition = dict[str, Any]

PREFIX: Final = "AlertWhisperer_"
OWN: Final = "System"
"""The table of our own items; its key is `kind` and `id`."""

STREAM: Final = "NEW_AND_OLD_IMAGES"
READ_UNITS: Final = (5, 1_000)
WRITE_UNITS: Final = (5, 1_000)
"""(least, most) units of a table or index with auto-scaling."""

TARGET_PERCENT: Final = 70


def normal_prefix(prefix: str) -> str:
    """A table prefix with its `_`. Invalid if DynamoDB's names cannot hold it."""
    if not all(letter.isascii() and (letter.isalnum() or letter in "_-.") for letter in prefix):
        raise Invalid("a table prefix has letters, digits, _ - and . only", "DYNAMODB_TABLE_PREFIX")
    return prefix if prefix.endswith("_") or not prefix else f"{prefix}_"


def table_name(prefix: str, collection: str) -> str:
    """`AlertWhisperer_AuditLogs` for `audit_logs`."""
    return prefix + "".join(word.capitalize() for word in collection.split("_"))


def own_table(prefix: str) -> str:
    """The table of our own items."""
    return prefix + OWN


def table_definitions(prefix: str = PREFIX) -> list[Definition]:
    """The arguments of CreateTable for each table, billed by use."""
    own = _definition(own_table(prefix), {"kind": "S", "id": "S"}, [("kind", "HASH"), ("id", "RANGE")], [])
    return [*(_of_collection(prefix, each) for each in COLLECTIONS), own]


def expiring_tables(prefix: str = PREFIX) -> list[str]:
    """The tables whose items may expire by themselves."""
    return [table_name(prefix, each.name) for each in COLLECTIONS if each.expires]


def _of_collection(prefix: str, collection: Collection) -> Definition:
    types = {name: "N" if name in INTEGER_FIELDS else "S" for name in collection.key}
    indexes: list[Definition] = []
    for gsi in collection.gsis:
        names = [attribute(collection, gsi, fields) for fields in (gsi.partition, gsi.sort) if fields]
        types |= {name: "S" for name in names if name not in types}
        # Keys alone: an index is then only written when these change, and documents are read from their table, which
        # never lags.
        indexes.append(
            {"IndexName": gsi.name, "KeySchema": _keys(names), "Projection": {"ProjectionType": "KEYS_ONLY"}}
        )
    return _definition(table_name(prefix, collection.name), types, _pairs(list(collection.key)), indexes)


def _definition(name: str, types: dict[str, str], keys: list[tuple[str, str]], indexes: list[Definition]) -> Definition:
    made: Definition = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": kind} for each, kind in types.items()],
        "KeySchema": [{"AttributeName": each, "KeyType": kind} for each, kind in keys],
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"Enabled": True},
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": STREAM},
        "DeletionProtectionEnabled": True,
    }
    if indexes:
        made["GlobalSecondaryIndexes"] = indexes
    return made


def _pairs(names: list[str]) -> list[tuple[str, str]]:
    return list(zip(names, ("HASH", "RANGE"), strict=False))


def _keys(names: list[str]) -> list[Definition]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in _pairs(names)]


# ---------------------------------------------------------------- CloudFormation


def cloudformation(prefix: str = PREFIX, *, provisioned: bool = False) -> str:
    """A CloudFormation template of all tables, as JSON: billed by use, or provisioned with auto-scaling."""
    resources: Definition = {}
    for definition in table_definitions(prefix):
        name = definition["TableName"]
        logical = "".join(letter for letter in name.removeprefix(prefix) if letter.isalnum()) + "Table"
        resources[logical] = _resource(definition, expiring=name in expiring_tables(prefix), provisioned=provisioned)
        if provisioned:
            resources |= _scaling(logical, [each["IndexName"] for each in definition.get("GlobalSecondaryIndexes", [])])
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The DynamoDB tables of Alert Whisperer.",
        "Resources": resources,
        "Outputs": {"TablePrefix": {"Description": "DYNAMODB_TABLE_PREFIX", "Value": prefix}},
    }
    # Without spaces where there is much of it: CloudFormation takes 51,200 bytes as they are.
    return json.format(json.encode(template), indent=-1 if provisioned else 2).decode() + "\n"


def _resource(definition: Definition, *, expiring: bool, provisioned: bool) -> Definition:
    properties = {name: value for name, value in definition.items() if name != "SSESpecification"}
    properties["SSESpecification"] = {"SSEEnabled": True}
    properties["StreamSpecification"] = {"StreamViewType": STREAM}
    properties["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": True}
    if expiring:
        properties["TimeToLiveSpecification"] = {"AttributeName": TTL, "Enabled": True}
    if provisioned:
        units = {"ReadCapacityUnits": READ_UNITS[0], "WriteCapacityUnits": WRITE_UNITS[0]}
        properties |= {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}
        if indexes := definition.get("GlobalSecondaryIndexes"):
            properties["GlobalSecondaryIndexes"] = [{**each, "ProvisionedThroughput": units} for each in indexes]
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }


def _scaling(table: str, indexes: list[str]) -> Definition:
    """Auto-scaling of a table and of its indexes, reads and writes."""
    resources: Definition = {}
    for index in (None, *indexes):
        words = "".join(word.capitalize() for word in (index or "").replace("_", "-").split("-"))
        path = {"Fn::Sub": f"table/${{{table}}}" + (f"/index/{index}" if index else "")}
        for verb, (least, most) in (("Read", READ_UNITS), ("Write", WRITE_UNITS)):
            name = f"{table}{words}{verb}"
            dimension = f"dynamodb:{'index' if index else 'table'}:{verb}CapacityUnits"
            resources[f"{name}Target"] = {
                "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
                "Properties": {
                    "ServiceNamespace": "dynamodb",
                    "ResourceId": path,
                    "ScalableDimension": dimension,
                    "MinCapacity": least,
                    "MaxCapacity": most,
                },
            }
            resources[f"{name}Policy"] = {
                "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
                "Properties": {
                    "PolicyName": f"{name}Policy",
                    "PolicyType": "TargetTrackingScaling",
                    "ScalingTargetId": {"Ref": f"{name}Target"},
                    "TargetTrackingScalingPolicyConfiguration": {
                        "TargetValue": TARGET_PERCENT,
                        "PredefinedMetricSpecification": {"PredefinedMetricType": f"DynamoDB{verb}CapacityUtilization"},
                    },
                },
            }
    return resources
