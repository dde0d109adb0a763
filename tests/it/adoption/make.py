"""Makes one backend as people, modules and other tools do; the argument says which."""

import json
import sys

import boto3

region, account = "eu-west-1", "000000000000"
s3, dynamodb, kms, sqs, sns, cloudwatch = map(boto3.client, ["s3", "dynamodb", "kms", "sqs", "sns", "cloudwatch"])
HEADER = "s3:x-amz-server-side-encryption"


def bucket(name, versioning=True, tags=None, **more):
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region}, **more)
    if versioning:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs(tags)})


def pairs(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def encrypt(name, algorithm, key=None, **more):
    default = {"SSEAlgorithm": algorithm, **({"KMSMasterKeyID": key} if key else {})}
    rule = {"ApplyServerSideEncryptionByDefault": default, **more}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})


def policy(name, *statements):
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(document).replace("BUCKET", f"arn:aws:s3:::{name}"))


def deny(sid, action, condition=None, resource="BUCKET/*", principal="*"):
    statement = {"Sid": sid, "Effect": "Deny", "Principal": principal, "Action": action, "Resource": resource}
    return {**statement, **({"Condition": condition} if condition else {})}


def block(name):
    four = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={field: True for field in four})


def table(name, tags=None, recovery=False, **more):
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        **{"BillingMode": "PAY_PER_REQUEST", "Tags": pairs(tags or {}), **more},
    )
    if recovery:
        specification = {"PointInTimeRecoveryEnabled": True}
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=specification)


def key(description):
    """A key of the account, rotated, whose policy lets trail and alarms use it."""
    services = ["cloudtrail.amazonaws.com", "cloudwatch.amazonaws.com", "s3.amazonaws.com"]
    root = {"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*"}
    use = {"Sid": "Use", "Effect": "Allow", "Principal": {"Service": services},
           "Action": ["kms:GenerateDataKey*", "kms:Decrypt", "kms:DescribeKey"]}
    keep = {"Sid": "Keep", "Effect": "Deny", "Principal": "*", "Action": "kms:ScheduleKeyDeletion"}
    document = {"Version": "2012-10-17", "Statement": [{**one, "Resource": "*"} for one in (root, use, keep)]}
    made = kms.create_key(Description=description, Policy=json.dumps(document), Tags=[{"TagKey": "Team", "TagValue": "infra"}])
    arn = made["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=arn)
    return arn


def locked():
    """Stricter than ours in all that S3 has, and with statements, rules and targets of others."""
    tags = {"Name": "states", "CostCenter": "4711", "Owner": "a+b@example.com"}
    bucket("locked-states", tags=tags, ObjectLockEnabledForBucket=True)
    retention = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 7}}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": retention}
    s3.put_object_lock_configuration(Bucket="locked-states", ObjectLockConfiguration=lock)
    nobody = {"StringNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{account}:role/admin"}}
    policy(
        "locked-states",
        deny("NobodyDeletes", "s3:DeleteObjectVersion"),
        deny("NobodyBypasses", ["s3:BypassGovernanceRetention", "s3:PutObjectRetention"], nobody),
        {"Sid": "Auditors", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
         "Action": "s3:GetObjectVersion", "Resource": "BUCKET/*"},
    )
    history = {"ID": "long", "Status": "Enabled", "Filter": {"Prefix": ""},
               "NoncurrentVersionExpiration": {"NoncurrentDays": 400, "NewerNoncurrentVersions": 100}}
    cheaper = {"ID": "cheaper", "Status": "Enabled", "Filter": {"Prefix": "old/"},
               "NoncurrentVersionTransitions": [{"NoncurrentDays": 60, "StorageClass": "STANDARD_IA"}]}
    rules = {"Rules": [history, cheaper]}
    s3.put_bucket_lifecycle_configuration(Bucket="locked-states", LifecycleConfiguration=rules)
    queue = sqs.create_queue(QueueName="changes")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=attributes)
    changes = {"Id": "changes", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    events = {"QueueConfigurations": [changes], "EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket="locked-states", NotificationConfiguration=events)
    table("locked-locks", tags={"Team": "infra"}, recovery=True, DeletionProtectionEnabled=True,
          BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
    told = sns.create_topic(Name="on-call")["TopicArn"]
    cloudwatch.put_metric_alarm(
        AlarmName="acme-tfstate-locked-bucket-size", Namespace="AWS/S3", MetricName="BucketSizeBytes", Period=86400,
        Statistic="Average", EvaluationPeriods=1, Threshold=1e9, ComparisonOperator="GreaterThanThreshold",
        Dimensions=[{"Name": "BucketName", "Value": "locked-states"}, {"Name": "StorageType", "Value": "StandardStorage"}],
        AlarmActions=[told, f"{told}-2"], OKActions=[told], InsufficientDataActions=[told], Tags=pairs({"Team": "infra"}),
    )


def keyed():
    """Under a key of the account, with another beside it; the keys are printed."""
    ours, other = key("states"), key("something else")
    bucket("keyed-states", tags={"Name": "states"})
    encrypt("keyed-states", "aws:kms", ours, BucketKeyEnabled=False)
    same = {"ArnNotEquals": {f"{HEADER}-aws-kms-key-id": ours}}
    policy("keyed-states", deny("OnlyTheKey", "s3:PutObject", {"Null": {f"{HEADER}-aws-kms-key-id": "false"}, **same}))
    table("keyed-locks", SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": ours})
    print(ours, other)


def logged():
    """Whose access logs somebody reads already."""
    bucket("their-logs")
    service = {"Service": "logging.s3.amazonaws.com"}
    policy("their-logs", {"Sid": "Logs", "Effect": "Allow", "Principal": service, "Action": "s3:PutObject", "Resource": "BUCKET/*"})
    bucket("logged-states")
    target = {"TargetBucket": "their-logs", "TargetPrefix": "states/"}
    s3.put_bucket_logging(Bucket="logged-states", BucketLoggingStatus={"LoggingEnabled": target})


def terragrunt():
    bucket("terragrunt-states", tags={"owner": "terragrunt integration", "name": "Terraform state storage"})
    encrypt("terragrunt-states", "aws:kms")
    block("terragrunt-states")
    both = ["BUCKET", "BUCKET/*"]
    root = {"Sid": "RootAccess", "Effect": "Allow", "Principal": {"AWS": [f"arn:aws:iam::{account}:root"]},
            "Action": "s3:*", "Resource": both}
    tls = deny("EnforcedTLS", "s3:*", {"Bool": {"aws:SecureTransport": "false"}}, both, {"AWS": ["*"]})
    policy("terragrunt-states", root, tls)
    table("terragrunt-locks", tags={"owner": "terragrunt integration"})


def atmos():
    bucket("atmos-states", tags={"Name": "atmos-states", "ManagedBy": "Atmos"})
    encrypt("atmos-states", "AES256")
    block("atmos-states")


def cloudposse(name="cloudposse", headers=("AES256", "aws:kms")):
    tags = {"Namespace": "eg", "Stage": "prod", "Name": f"{name}-states", "Attributes": "state"}
    bucket(f"{name}-states", tags=tags)
    encrypt(f"{name}-states", "AES256")
    block(f"{name}-states")
    put_cloudposse_policy(name, headers)
    table(f"{name}-locks", tags=tags, recovery=True, SSESpecification={"Enabled": True})


def put_cloudposse_policy(name, headers):
    header = {"StringNotEquals": {HEADER: list(headers) if len(headers) > 1 else headers[0]}}
    policy(
        f"{name}-states",
        deny("DenyIncorrectEncryptionHeader", "s3:PutObject", header, principal={"AWS": "*"}),
        deny("DenyUnEncryptedObjectUploads", "s3:PutObject", {"Null": {HEADER: "true"}}, principal={"AWS": "*"}),
        deny("EnforceTlsRequestsOnly", "s3:*", {"Bool": {"aws:SecureTransport": "false"}}, ["BUCKET", "BUCKET/*"], {"AWS": "*"}),
    )


def classic():
    """As older versions of the module made it: the one header that they know, and no other."""
    cloudposse("classic", ["AES256"])


def without_the_header():
    """Takes the statement away that the classic policy has of headers."""
    document = json.loads(s3.get_bucket_policy(Bucket="classic-states")["Policy"])
    document["Statement"] = [one for one in document["Statement"] if one["Sid"] != "DenyIncorrectEncryptionHeader"]
    s3.put_bucket_policy(Bucket="classic-states", Policy=json.dumps(document))


def with_the_header():
    """And puts it back, beside what is there by now."""
    document = json.loads(s3.get_bucket_policy(Bucket="classic-states")["Policy"])
    header = deny("DenyIncorrectEncryptionHeader", "s3:PutObject", {"StringNotEquals": {HEADER: "AES256"}},
                  "arn:aws:s3:::classic-states/*", {"AWS": "*"})
    document["Statement"].append(header)
    s3.put_bucket_policy(Bucket="classic-states", Policy=json.dumps(document))


def hostile():
    """Names that would clear a terminal, turn text around, or be taken for an expression."""
    name = "x\u001b[2J\u202e${path.module}\r\n| <b> `y`"
    bucket("hostile-states", tags={"Name": "${x}"})
    document = {"Version": "2012-10-17", "Statement": [deny(name, "s3:PutObject", resource="arn:aws:s3:::hostile-states/*")]}
    s3.put_bucket_policy(Bucket="hostile-states", Policy=json.dumps(document))
    rule = {"ID": "\u202ex${y}\"'", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="hostile-states", LifecycleConfiguration={"Rules": [rule]})


for what in sys.argv[1:]:
    globals()[what]()
