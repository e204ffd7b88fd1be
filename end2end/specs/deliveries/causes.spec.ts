import { certificates, OTHER_HOST } from "../../fixtures/certificates";
import { Receiver, refusedUrl, type Answer } from "../../fixtures/receiver";
import { expect, test } from "../../fixtures/test";

/** Cause, the receiver's response, the text in the row. */
const RESPONSES: [cause: string, answer: Answer, says: string | RegExp][] = [
  ["response_timeout", "hang", "Connected, but no response within 1 s. Your server may still have processed it"],
  ["redirected", { redirectTo: "https://elsewhere.acme.example/" }, "Server redirected to https://elsewhere.acme.example/ (301); redirects aren't followed"],
  ["http_401_403", 401, "Authentication rejected (401)"],
  ["http_404", 404, "Path not found (404)"],
  ["http_405", 405, "Server does not accept POST here (405)"],
  ["http_410", 410, "Server returned 410 Gone; endpoint paused"],
  ["http_413", 413, /Request body of \d+ kB is too large for the server \(413\)/],
  ["http_4xx", 418, "Server rejected the request (418)"],
  ["http_429", 429, "Rate limited by the server (429)"],
  ["http_5xx", 500, "Server error (500)"],
  ["http_502_504", 502, "Your proxy couldn't reach your server (502)"],
  ["reset", "hang up", "Connection closed before a response arrived"],
  ["bad_response", "garbage", "Response was not valid HTTP"],
];

test("each row of the list shows the cause of its failure", async ({ page, user, api }) => {
  const receivers: Receiver[] = [];
  const listen = async (tls?: { certificate: string; key: string }) => {
    const receiver = await Receiver.start(tls);
    receivers.push(receiver);
    return receiver;
  };
  const { expired, otherHost } = certificates();
  const failures: [cause: string, url: string, says: string | RegExp][] = [
    ["dns_not_found", "https://nowhere.invalid/calls", "No DNS record for nowhere.invalid"],
    ["connect_refused", refusedUrl(), /127\.0\.0\.1:\d+ refused the connection/],
    ["tls_expired", (await listen(expired)).url, /Certificate expired 3 hours ago/],
    ["tls_name", (await listen(otherHost)).url, `Certificate is valid for ${OTHER_HOST}, not 127.0.0.1`],
    ["tls_plain_http", (await listen()).url.replace("http:", "https:"), "speaks plain HTTP, not TLS"],
  ];
  for (const [cause, answer, says] of RESPONSES) failures.push([cause, (await listen()).answers(answer).url, says]);

  for (const [cause, url] of failures) await api.endpoint(url, { name: cause, timeout_s: 1 });
  expect((await api.call()).deliveries).toBe(failures.length);
  const tried = await api.tried(failures.length);

  await page.goto(user.path("deliveries"));
  for (const [cause, , says] of failures) {
    const delivery = tried.find((row) => row.endpoint_name === cause)!;
    expect.soft(delivery.cause, delivery.endpoint_name).toBe(cause);
    await expect.soft(page.locator(`#${delivery.id}`)).toContainText(says);
  }
  const summary = page.locator("#live-counts");
  await expect(summary).toContainText(`${failures.length} deliveries`);

  // The cause works as a filter, and the delivery links to its guide.
  await page.goto(user.path("deliveries?cause=tls_expired"));
  await expect(page.locator("li[data-status]")).toHaveCount(1);
  await page.locator("li[data-status] a").click();
  await page.getByRole("link", { name: "Learn more about this cause" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Certificate expired");
  for (const receiver of receivers) await receiver.stop();
});
