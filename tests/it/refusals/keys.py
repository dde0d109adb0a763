"""Makes keys of every kind that cannot be used, and prints their ARNs, a line each."""

import boto3

kms = boto3.client("kms")


def make(client=kms, **how):
    return client.create_key(**how)["KeyMetadata"]["Arn"]


disabled, going, missing = make(), make(), make()
kms.disable_key(KeyId=disabled)
kms.schedule_key_deletion(KeyId=going, PendingWindowInDays=7)
mac = make(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
elsewhere = make(boto3.client("kms", region_name="eu-central-1"))
good = make()
print(disabled, going, mac, elsewhere, good, sep="\n")
