# What only the tests' emulator has: a user of another account, and AWS's own names for it, as seen from behind a proxy.
STRANGER = {"AccessKeyId": "AKIASTRANGER00000000", "SecretAccessKey": "strangersecret"}
STRANGERS_ACCOUNT = "111122223333"
HOST = re.compile(r"(127\.0\.0\.1|localhost|([a-z0-9-]+\.)+amazonaws\.com)(:[0-9]{1,5})?")


async def s3_by_host(method, path, headers, body, query_params, request_id, **_):
    if answer := await s3_control(method, path, headers, body, query_params, request_id):
        return answer
    return await app._handle_s3_vhost_request(headers.get("host", ""), path, method, headers, body, query_params)


app._handle_special_data_plane_request = s3_by_host


def make_both(make_admin=make_admin):
    make_admin()
    with responses.request_scope(STRANGERS_ACCOUNT, "eu-west-1"):
        iam._create_user({"UserName": "stranger"})
        iam._put_user_policy({"UserName": "stranger", "PolicyName": "everything", "PolicyDocument": EVERYTHING})
        key = {"UserName": "stranger", "Status": "Active", "CreateDate": iam._now(), **STRANGER}
        iam._access_keys[STRANGER["AccessKeyId"]] = key


make_admin = make_both
