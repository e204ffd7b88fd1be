"""python3 run.py SAMPLE BODY ID TIMESTAMP SIGNATURE SECRET TOKEN: prints whether the token and the signature are valid."""
import runpy
import sys

sample, body, event_id, timestamp, signature, secret, token = sys.argv[1:]
verify = runpy.run_path(sample)
headers = {"webhook-id": event_id, "webhook-timestamp": timestamp, "webhook-signature": signature}
results = verify["has_token"](body.encode(), token), verify["is_signed"](body.encode(), headers, secret)
print(*(str(each).lower() for each in results))
