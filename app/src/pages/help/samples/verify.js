import { createHash, createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_S = 5 * 60;

// Way 1: does the body carry our auth token?
export function hasToken(rawBody, authToken) {
  try {
    const token = JSON.parse(rawBody).auth_token;
    return typeof token === "string" && equal(token, authToken);
  } catch {
    return false;
  }
}

// Way 2: was the request signed with our secret, within the last five minutes?
export function isSigned(rawBody, headers, secret) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const signatures = headers["webhook-signature"];
  if (!id || !signatures || !/^\d+$/.test(timestamp)) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) return false;

  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(rawBody);
  const expected = "v1," + mac.digest("base64");
  return signatures.split(" ").some((signature) => equal(signature, expected));
}

// Hashes first: timingSafeEqual wants equal lengths.
function equal(a, b) {
  const hash = (text) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
