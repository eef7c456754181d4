"""Calls the local cloud with the vendor's Python SDKs. Reads what it needs from standard input, writes what it got to standard output, in JSON."""

import json
import sys

from alibabacloud_actiontrail20200706 import models as trail_models
from alibabacloud_actiontrail20200706.client import Client as Trail
from alibabacloud_kms20160120 import models as kms_models
from alibabacloud_kms20160120.client import Client as Kms
from alibabacloud_sts20150401 import models as sts_models
from alibabacloud_sts20150401.client import Client as Sts
from alibabacloud_tea_openapi import models as openapi_models

given = json.load(sys.stdin)


def config(credentials):
    return openapi_models.Config(
        access_key_id=credentials["accessKeyId"],
        access_key_secret=credentials["accessKeySecret"],
        security_token=credentials.get("securityToken"),
        endpoint=given["endpoint"],
        protocol="HTTP",
        region_id="cn-hangzhou",
    )


def refusal(call):
    try:
        call()
    except Exception as refused:
        return getattr(refused, "code", type(refused).__name__)
    return "not refused"


def encrypt(client, **more):
    words = {"key_id": given["keyId"], "plaintext": given["plaintext"], **more}
    return client.encrypt(kms_models.EncryptRequest(**words)).body


root = Kms(config(given["root"]))
context = {"cluster": "c 1", "purpose": "!'()*~ä+&="}
encrypted = encrypt(root, encryption_context=context)
blob = encrypted.ciphertext_blob


def decrypt(client, **more):
    return client.decrypt(kms_models.DecryptRequest(ciphertext_blob=blob, **more)).body


decrypted = decrypt(root, encryption_context=context)

assumed = (
    Sts(config(given["user"]))
    .assume_role(sts_models.AssumeRoleRequest(role_arn=given["roleArn"], role_session_name="python"))
    .body
)
session = {
    "accessKeyId": assumed.credentials.access_key_id,
    "accessKeySecret": assumed.credentials.access_key_secret,
    "securityToken": assumed.credentials.security_token,
}
by_session = decrypt(Kms(config(session)), encryption_context=context)

created = root.create_key(kms_models.CreateKeyRequest(description="by Python")).body.key_metadata
described = root.describe_key(kms_models.DescribeKeyRequest(key_id=created.key_id)).body.key_metadata
data_key = root.generate_data_key(kms_models.GenerateDataKeyRequest(key_id=given["keyId"], number_of_bytes=24)).body

attribute = trail_models.LookupEventsRequestLookupAttribute(key="EventName", value="Decrypt")
looked_up = (
    Trail(config(given["root"]))
    .lookup_events(trail_models.LookupEventsRequest(lookup_attribute=[attribute], max_results="10"))
    .body
)

json.dump(
    {
        "encrypted": {"keyId": encrypted.key_id, "keyVersionId": encrypted.key_version_id},
        "decrypted": decrypted.plaintext,
        "bySession": by_session.plaintext,
        "assumed": assumed.assumed_role_user.arn,
        "created": {"spec": described.key_spec, "state": described.key_state, "description": described.description},
        "dataKeyCharacters": len(data_key.plaintext),
        "events": [[each["eventName"], each["userIdentity"]["userName"], each.get("errorCode")] for each in looked_up.events],
        "refusals": {
            "wrong context": refusal(lambda: decrypt(root, encryption_context={"cluster": "c2"})),
            "wrong secret": refusal(lambda: decrypt(Kms(config({**given["root"], "accessKeySecret": "wrong"})))),
            "foreign token": refusal(lambda: decrypt(Kms(config({**session, "securityToken": "made up"})))),
            "not allowed": refusal(lambda: decrypt(Kms(config(given["user"])), encryption_context=context)),
            "no such key": refusal(lambda: root.describe_key(kms_models.DescribeKeyRequest(key_id="key-none"))),
            "dry run": refusal(lambda: encrypt(root, dry_run="true")),
        },
    },
    sys.stdout,
)
