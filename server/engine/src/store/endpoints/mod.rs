//! Endpoints. Their credentials arrive sealed.

pub mod health;
pub mod tallies;
pub mod test_lines;

use domain::{
    UnixMs,
    cause::Failure,
    endpoint::{Endpoint, EndpointState, Health, PauseReason},
    event::EventKind,
    id::{AccountId, EndpointId},
    rotation::{SecretRotation, TokenRotation},
    target::TargetUrl,
};

use crate::store::{
    conditions::suspended,
    credentials::rotations::{self, Running},
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    sql::{Sql, json_list},
};

const ADD: &str = "INSERT INTO endpoints (id, account_id, name, url, events, state, state_since_ms, timeout_ms, \
    rate_per_s, deliver_late, header_names, headers_sealed, auth_token_sealed, auth_token_masked, secret_sealed, \
    secret_masked, test_line, send_details, version, created_ms) \
    VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 1, $6)";
// Rotations are selected with their endpoint in one statement, so that no reader sees one without the other.
const OF_ACCOUNT: &str = "SELECT e.*, (SELECT r.state_sealed FROM rotations r WHERE r.endpoint_id = e.id AND r.what = 'auth_token') AS token_rotation, \
    (SELECT r.state_sealed FROM rotations r WHERE r.endpoint_id = e.id AND r.what = 'secret') AS secret_rotation, \
    (SELECT a.suspended_ms FROM accounts a WHERE a.id = e.account_id) AS suspended_ms FROM endpoints e WHERE e.account_id = $1 AND e.state <> 'deleted' ORDER BY e.name, e.id";
const ONE: &str = "SELECT e.*, (SELECT r.state_sealed FROM rotations r WHERE r.endpoint_id = e.id AND r.what = 'auth_token') AS token_rotation, \
    (SELECT r.state_sealed FROM rotations r WHERE r.endpoint_id = e.id AND r.what = 'secret') AS secret_rotation, \
    (SELECT a.suspended_ms FROM accounts a WHERE a.id = e.account_id) AS suspended_ms FROM endpoints e WHERE e.account_id = $1 AND e.id = $2";
const NAME: &str = "SELECT name FROM endpoints WHERE account_id = $1 AND id = $2";
const BY_URL: &str =
    "SELECT id, name FROM endpoints WHERE account_id = $1 AND url = $2 AND state <> 'deleted' ORDER BY id LIMIT 1";
const TEST_LINE: &str = "SELECT id FROM endpoints WHERE account_id = $1 AND test_line = 1 AND state <> 'deleted' \
    ORDER BY id LIMIT 1";
const COUNT: &str = "SELECT COUNT(*) FROM endpoints WHERE account_id = $1 AND state <> 'deleted'";
const UPDATE: &str = "UPDATE endpoints SET name = $3, proven = CASE WHEN url = $4 THEN proven ELSE 0 END, url = $4, \
    events = $5, timeout_ms = $6, rate_per_s = $7, deliver_late = $8, header_names = $9, headers_sealed = $10, send_details = $12, \
    version = version + 1, \
    throttled_until_ms = CASE WHEN url = $4 THEN throttled_until_ms END \
    WHERE account_id = $1 AND id = $2 AND state <> 'deleted' AND ($11 = 0 OR version = $11)";
const SET_STATE: &str = "UPDATE endpoints SET state = $3, pause_reason = $4, state_since_ms = $5, version = version + 1 \
    WHERE account_id = $1 AND id = $2 AND state <> 'deleted' AND state <> $3";
const RESET_HEALTH: &str = "UPDATE endpoints SET failures_in_row = 0, failing_since_ms = NULL, failing_days = 0, \
    last_failure = NULL, warned = 0, proven = 0, drain_per_s = $3, throttled_until_ms = NULL WHERE account_id = $1 AND id = $2";
const SET_DRAIN: &str =
    "UPDATE endpoints SET drain_per_s = $3 WHERE account_id = $1 AND id = $2 AND drain_per_s IS NOT NULL";
static LISTENING: Sql = Sql::new(concat!(
    "SELECT id, account_id, events, CASE WHEN account_id IN ",
    suspended!(),
    " THEN 'suspended' ELSE state END, deliver_late, rate_per_s, throttled_until_ms, url FROM endpoints \
     WHERE account_id IN {list $1} AND state <> 'deleted' ORDER BY id",
));
const URLS: &str = "SELECT url FROM endpoints WHERE account_id = $1 AND state <> 'deleted' AND test_line = 0";
const STATES: &str = "SELECT state, COUNT(*) FROM endpoints WHERE state <> 'deleted' GROUP BY state";
const IDS: &str = "SELECT id FROM endpoints WHERE account_id = $1 AND state <> 'deleted'";
const RESET_HEALTH_OF_ACCOUNT: &str = "UPDATE endpoints SET failures_in_row = 0, failing_since_ms = NULL, \
    failing_days = 0, last_failure = NULL, warned = 0, proven = 0 WHERE account_id = $1 AND state = 'active'";

#[derive(sqlx_macros::FromRow)]
struct EndpointRow {
    id: String,
    account_id: String,
    name: String,
    url: String,
    events: String,
    state: String,
    pause_reason: Option<String>,
    state_since_ms: i64,
    failures_in_row: i64,
    failing_since_ms: Option<i64>,
    failing_days: i64,
    warned: i64,
    warned_ms: Option<i64>,
    proven: i64,
    last_success_ms: Option<i64>,
    last_attempt_ms: Option<i64>,
    last_failure: Option<String>,
    timeout_ms: i64,
    rate_per_s: Option<i64>,
    drain_per_s: Option<i64>,
    deliver_late: i64,
    send_details: i64,
    header_names: String,
    headers_sealed: String,
    auth_token_sealed: String,
    auth_token_masked: String,
    secret_sealed: String,
    secret_masked: String,
    test_line: i64,
    version: i64,
    created_ms: i64,
    token_rotation: Option<String>,
    secret_rotation: Option<String>,
    suspended_ms: Option<i64>,
    throttled_until_ms: Option<i64>,
}

/// The sealed credentials of an endpoint, and their masked forms.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Custom headers: a sealed JSON list.
    pub headers: String,
    /// Auth token.
    pub auth_token: String,
    /// Masked auth token.
    pub auth_token_masked: String,
    /// Signing secret.
    pub secret: String,
    /// Masked signing secret.
    pub secret_masked: String,
}

/// A stored endpoint.
#[derive(Debug, Clone)]
pub struct StoredEndpoint {
    /// Its account.
    pub account: AccountId,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its sealed credentials.
    pub sealed: Sealed,
    /// Its latest failure.
    pub last_failure: Option<Failure>,
    /// The rotation of its auth token as last stored; evaluate it for the current time.
    pub token_rotation: Option<Running<TokenRotation>>,
    /// Whether its account is suspended and its events are held.
    pub suspended: bool,
    /// Until when its server requested a pause, at the latest.
    pub throttled_until: Option<UnixMs>,
    /// The rotation of its signing secret, likewise.
    pub secret_rotation: Option<Running<SecretRotation>>,
}

impl TryFrom<EndpointRow> for StoredEndpoint {
    type Error = StoreError;
    fn try_from(row: EndpointRow) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "endpoints", column, row: row.id.clone() };
        let health = Health {
            failures_in_row: number(row.failures_in_row),
            failing_since: row.failing_since_ms.map(UnixMs),
            failing_days: number(row.failing_days),
            last_warning_at: row.warned_ms.filter(|_| row.warned == health::WarningLevel::Last as i64).map(UnixMs),
            proven: row.proven != 0,
            last_success_at: row.last_success_ms.map(UnixMs),
            last_attempt_at: row.last_attempt_ms.map(UnixMs),
        };
        let endpoint = Endpoint {
            id: EndpointId::parse(&row.id).map_err(|_| corrupt("id"))?,
            name: row.name,
            url: TargetUrl::stored(row.url),
            events: kinds(&row.events),
            state: EndpointState::parse(&row.state).ok_or_else(|| corrupt("state"))?,
            pause_reason: row.pause_reason.as_deref().map(pause_reason),
            state_since: UnixMs(row.state_since_ms),
            health,
            timeout_ms: number(row.timeout_ms),
            rate_per_s: row.rate_per_s.map(number),
            drain_per_s: row.drain_per_s.map(number),
            deliver_late: row.deliver_late != 0,
            send_details: row.send_details != 0,
            header_names: row.header_names.lines().map(str::to_owned).collect(),
            test_line: row.test_line != 0,
            version: number(row.version),
            created_at: UnixMs(row.created_ms),
        };
        let account = AccountId::parse(&row.account_id).map_err(|_| corrupt("account_id"))?;
        let last_failure = row.last_failure.as_deref().and_then(|json| serde_json::from_str(json).ok());
        let sealed = Sealed {
            headers: row.headers_sealed,
            auth_token: row.auth_token_sealed,
            auth_token_masked: row.auth_token_masked,
            secret: row.secret_sealed,
            secret_masked: row.secret_masked,
        };
        let token_rotation = row.token_rotation.map(|state| rotations::read(&row.id, &state)).transpose()?;
        let secret_rotation = row.secret_rotation.map(|state| rotations::read(&row.id, &state)).transpose()?;
        let suspended = row.suspended_ms.is_some();
        let throttled_until = row.throttled_until_ms.map(UnixMs);
        Ok(Self {
            account,
            endpoint,
            sealed,
            last_failure,
            suspended,
            throttled_until,
            token_rotation,
            secret_rotation,
        })
    }
}

fn number(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or_default()
}

/// Parses stored event kinds.
pub(super) fn kinds(stored: &str) -> Vec<EventKind> {
    stored.split(' ').filter_map(EventKind::parse).collect()
}

fn pause_reason(stored: &str) -> PauseReason {
    if stored == "gone" { PauseReason::Gone } else { PauseReason::User }
}

/// Formats event kinds for storage.
pub(super) fn stored_kinds(kinds: &[EventKind]) -> String {
    kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" ")
}

/// Inserts an active endpoint.
pub async fn add(tx: &mut Tx, stored: &StoredEndpoint, now: UnixMs) -> StoreResult<()> {
    let (endpoint, sealed) = (&stored.endpoint, &stored.sealed);
    within!(tx, c => sqlx::query(ADD)
        .bind(endpoint.id.as_str()).bind(stored.account.as_str()).bind(&endpoint.name).bind(endpoint.url.as_str())
        .bind(stored_kinds(&endpoint.events)).bind(now.0).bind(i64::from(endpoint.timeout_ms))
        .bind(endpoint.rate_per_s.map(i64::from)).bind(i64::from(endpoint.deliver_late))
        .bind(endpoint.header_names.join("\n")).bind(&sealed.headers).bind(&sealed.auth_token)
        .bind(&sealed.auth_token_masked).bind(&sealed.secret).bind(&sealed.secret_masked)
        .bind(i64::from(endpoint.test_line)).bind(i64::from(endpoint.send_details)).execute(c).await?.rows_affected());
    Ok(())
}

/// Lists the account's endpoints by name, without deleted ones.
pub async fn of_account(db: &Db, account: &AccountId) -> StoreResult<Vec<StoredEndpoint>> {
    let rows: Vec<EndpointRow> =
        on!(&db.readers, c => sqlx::query_as(OF_ACCOUNT).bind(account.as_str()).fetch_all(c).await?);
    rows.into_iter().map(StoredEndpoint::try_from).collect()
}

/// One endpoint, even if deleted.
pub async fn one(db: &Db, account: &AccountId, id: &EndpointId) -> StoreResult<Option<StoredEndpoint>> {
    let row: Option<EndpointRow> =
        on!(&db.readers, c => sqlx::query_as(ONE).bind(account.as_str()).bind(id.as_str()).fetch_optional(c).await?);
    row.map(StoredEndpoint::try_from).transpose()
}

/// An endpoint's name, even if deleted.
pub async fn name(tx: &mut Tx, account: &AccountId, id: &EndpointId) -> StoreResult<Option<String>> {
    Ok(within!(tx, c => sqlx::query_scalar(NAME).bind(account.as_str()).bind(id.as_str()).fetch_optional(c).await?))
}

/// Id and name of the oldest endpoint of the account with this URL.
pub async fn by_url(tx: &mut Tx, account: &AccountId, url: &TargetUrl) -> StoreResult<Option<(String, String)>> {
    Ok(within!(tx, c => sqlx::query_as(BY_URL).bind(account.as_str()).bind(url.as_str()).fetch_optional(c).await?))
}

/// Id of the account's test line endpoint.
pub async fn test_line(tx: &mut Tx, account: &AccountId) -> StoreResult<Option<String>> {
    Ok(within!(tx, c => sqlx::query_scalar(TEST_LINE).bind(account.as_str()).fetch_optional(c).await?))
}

/// The hosts of the account's endpoints in one spelling, one for each; without that of its test line, which is ours.
pub async fn hosts(tx: &mut Tx, account: &AccountId) -> StoreResult<Vec<String>> {
    let urls: Vec<String> = within!(tx, c => sqlx::query_scalar(URLS).bind(account.as_str()).fetch_all(c).await?);
    Ok(urls.into_iter().map(|url| TargetUrl::stored(url).canonical_host()).collect())
}

/// Counts the account's endpoints.
pub async fn count(tx: &mut Tx, account: &AccountId) -> StoreResult<i64> {
    Ok(within!(tx, c => sqlx::query_scalar(COUNT).bind(account.as_str()).fetch_one(c).await?))
}

/// Changes the rate of held events, if they have one.
pub async fn set_drain(tx: &mut Tx, account: &AccountId, id: &EndpointId, rate_per_s: u32) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SET_DRAIN).bind(account.as_str()).bind(id.as_str()).bind(i64::from(rate_per_s))
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Updates an endpoint's settings if its version still matches (0 matches any). False if not.
pub async fn update(
    tx: &mut Tx,
    account: &AccountId,
    endpoint: &Endpoint,
    headers_sealed: &str,
    version: u32,
) -> StoreResult<bool> {
    let done = within!(tx, c => sqlx::query(UPDATE)
        .bind(account.as_str()).bind(endpoint.id.as_str()).bind(&endpoint.name).bind(endpoint.url.as_str())
        .bind(stored_kinds(&endpoint.events)).bind(i64::from(endpoint.timeout_ms))
        .bind(endpoint.rate_per_s.map(i64::from)).bind(i64::from(endpoint.deliver_late))
        .bind(endpoint.header_names.join("\n")).bind(headers_sealed).bind(i64::from(version))
        .bind(i64::from(endpoint.send_details)).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Changes an endpoint's state. False if it has that state already, or is deleted.
pub async fn set_state(
    tx: &mut Tx,
    account: &AccountId,
    id: &EndpointId,
    state: EndpointState,
    reason: Option<PauseReason>,
    now: UnixMs,
) -> StoreResult<bool> {
    let reason = reason.map(|reason| if reason == PauseReason::Gone { "gone" } else { "person" });
    let done = within!(tx, c => sqlx::query(SET_STATE)
        .bind(account.as_str()).bind(id.as_str()).bind(state.as_str()).bind(reason).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Resets the health of a resumed endpoint, and sets the rate at which its held events are sent.
pub async fn reset_health(
    tx: &mut Tx,
    account: &AccountId,
    id: &EndpointId,
    drain_per_s: Option<u32>,
) -> StoreResult<()> {
    within!(tx, c => sqlx::query(RESET_HEALTH).bind(account.as_str()).bind(id.as_str())
        .bind(drain_per_s.map(i64::from)).execute(c).await?.rows_affected());
    Ok(())
}

/// An endpoint with what ingestion needs.
#[derive(Debug, Clone)]
pub struct Listener {
    /// The endpoint.
    pub id: String,
    /// Its account.
    pub account: String,
    /// The event kinds it is subscribed to.
    pub kinds: Vec<EventKind>,
    /// Whether it is sent events, rather than holding them.
    pub active: bool,
    /// Whether it is sent events however late.
    pub deliver_late: bool,
    /// Its own limit, in events per second.
    pub rate_per_s: Option<u32>,
    /// Until when its server requested a pause, at the latest.
    pub throttled_until: Option<UnixMs>,
    /// Where it is.
    pub url: String,
}

/// Lists the endpoints of these accounts, oldest first.
pub async fn listening(tx: &mut Tx, accounts: impl IntoIterator<Item = &str>) -> StoreResult<Vec<Listener>> {
    type Row = (String, String, String, String, i64, Option<i64>, Option<i64>, String);
    let rows: Vec<Row> = LISTENING.fetch(tx, &[json_list(accounts).as_str().into()]).await?;
    let of = |(id, account, events, state, late, rate, throttled, url): Row| Listener {
        id,
        account,
        kinds: kinds(&events),
        active: state == "active",
        deliver_late: late != 0,
        rate_per_s: rate.and_then(|rate| u32::try_from(rate).ok()),
        throttled_until: throttled.map(UnixMs),
        url,
    };
    Ok(rows.into_iter().map(of).collect())
}

/// The ids of the account's endpoints, without deleted ones.
pub async fn ids(db: &Db, account: &AccountId) -> StoreResult<Vec<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(IDS).bind(account.as_str()).fetch_all(c).await?))
}

/// Resets the health of all active endpoints of an account: nothing was attempted while it was suspended.
pub async fn reset_health_of_account(tx: &mut Tx, account: &AccountId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(RESET_HEALTH_OF_ACCOUNT).bind(account.as_str()).execute(c).await?.rows_affected());
    Ok(())
}

/// Counts the endpoints of all accounts by state, without deleted ones.
pub async fn by_state(db: &Db) -> StoreResult<Vec<(String, i64)>> {
    Ok(on!(&db.readers, c => sqlx::query_as(STATES).fetch_all(c).await?))
}
