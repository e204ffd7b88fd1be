import base64
import hashlib
import hmac
import json
import time

TOLERANCE_S = 5 * 60


# Way 1: does the body carry our auth token?
def has_token(raw_body: bytes, auth_token: str) -> bool:
    try:
        token = json.loads(raw_body)["auth_token"].encode()
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return hmac.compare_digest(token, auth_token.encode())


# Way 2: was the request signed with our secret, within the last five minutes?
def is_signed(raw_body: bytes, headers, secret: str) -> bool:
    event_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    try:
        age_s = abs(time.time() - int(timestamp))
    except ValueError:
        return False
    if age_s > TOLERANCE_S:
        return False

    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{event_id}.{timestamp}.".encode() + raw_body
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    return any(hmac.compare_digest(s.encode(), expected) for s in signatures.split(" "))
