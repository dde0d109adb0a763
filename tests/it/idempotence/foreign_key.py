"""A key of another team in the same account: `make` prints it with a text under it, `try` what the caller may do with it."""

import base64
import json
import sys

import boto3
from botocore.exceptions import ClientError

what, *rest = sys.argv[1:]
kms, iam = boto3.client("kms"), boto3.client("iam")


def make():
    key = kms.create_key(Description="another team's")["KeyMetadata"]["Arn"]
    under = kms.encrypt(KeyId=key, Plaintext=b"secret of another team")["CiphertextBlob"]
    print(key, base64.b64encode(under).decode())


def attempt(name, call):
    try:
        call()
        print(name, "allowed")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        print(name, "denied" if code.startswith("AccessDenied") else code)


def try_(key, under):
    everything = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    under = base64.b64decode(under)
    attempt("decrypt", lambda: kms.decrypt(CiphertextBlob=under))
    attempt("encrypt", lambda: kms.encrypt(KeyId=key, Plaintext=b"x"))
    attempt("generate_data_key", lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"))
    attempt("create_grant", lambda: kms.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::999999999999:root", Operations=["Decrypt"]))
    attempt("put_key_policy", lambda: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy))
    attempt("create_alias", lambda: kms.create_alias(AliasName="alias/acme-tfstate-other", TargetKeyId=key))
    attempt("enable_key_rotation", lambda: kms.enable_key_rotation(KeyId=key))
    attempt("tag_resource", lambda: kms.tag_resource(KeyId=key, Tags=[{"TagKey": "team", "TagValue": "us"}]))
    attempt("create_key", lambda: kms.create_key(Description="untagged"))
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    attempt("attach_administrator", lambda: iam.attach_user_policy(UserName="terraform", PolicyArn=administrator))
    attempt("schedule_key_deletion", lambda: kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7))


make() if what == "make" else try_(*rest)
