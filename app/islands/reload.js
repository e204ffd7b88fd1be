// Under `make dev` only: loads the page again once the server is a new process. Request ids begin with a word that
// each process has for itself.
const process = async () => (await fetch("/healthz", { cache: "no-store" })).headers.get("x-request-id")?.split("-")[0];

let running;
setInterval(async () => {
  const now = await process().catch(() => undefined);
  if (now && running && now !== running) location.reload();
  running = now ?? running;
}, 700);
