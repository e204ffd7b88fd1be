// node run.mjs SAMPLE BODY ID TIMESTAMP SIGNATURE SECRET TOKEN: prints whether the token and the signature are valid.
import { pathToFileURL } from "node:url";

const [sample, body, id, timestamp, signature, secret, token] = process.argv.slice(2);
const { hasToken, isSigned } = await import(pathToFileURL(sample).href);
const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
console.log(hasToken(Buffer.from(body), token), isSigned(Buffer.from(body), headers, secret));
