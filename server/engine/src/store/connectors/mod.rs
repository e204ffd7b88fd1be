//! Connectors: their settings and state. Secrets arrive hashed or sealed.
//!
//! Statements of users name the owner: an account, or the empty text for the platform.

pub mod gaps;
pub mod imports;
pub mod open_calls;
pub mod requests;
pub mod routes;
pub mod sessions;
pub mod state;
pub mod unrouted;

use domain::{
    UnixMs,
    connector::{Connector, ConnectorOwner, ConnectorProblem, ConnectorState, SILENT_MS, System, Way},
    country::Country,
    id::{AccountId, ConnectorId},
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    sql::Sql,
};

const ADD: &str = "INSERT INTO connectors (id, account_id, name, system, way, country, trunks, include_internal, \
    ami_address, mapping, identity, secret_hash, secret_sealed, secret_hint, version, created_ms, time_zone) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, $15, $16)";
const OF_OWNER: &str = "SELECT * FROM connectors WHERE account_id = $1 AND deleted_ms IS NULL ORDER BY name, id";
const ONE: &str = "SELECT * FROM connectors WHERE account_id = $1 AND id = $2 AND deleted_ms IS NULL";
const BY_ID: &str = "SELECT * FROM connectors WHERE id = $1 AND deleted_ms IS NULL";
const PLATFORMS_OF_WAY: &str = "SELECT * FROM connectors \
    WHERE account_id = '' AND way = $1 AND deleted_ms IS NULL AND paused_ms IS NULL ORDER BY id";
static LOCKED: Sql = Sql::new("SELECT * FROM connectors WHERE id = $1 AND deleted_ms IS NULL {serialise}");
/// Another one that is connected to the same phone system.
const TWIN: &str = "SELECT name FROM connectors WHERE account_id = $1 AND identity = $2 AND id <> $3 \
    AND deleted_ms IS NULL AND paused_ms IS NULL AND connected_since_ms IS NOT NULL AND reported_ms > $4 \
    ORDER BY id LIMIT 1";
const COUNT: &str = "SELECT COUNT(*) FROM connectors WHERE account_id = $1 AND deleted_ms IS NULL";
const UPDATE: &str = "UPDATE connectors SET name = $3, country = $4, trunks = $5, include_internal = $6, \
    ami_address = $7, mapping = $8, time_zone = $10, version = version + 1 \
    WHERE account_id = $1 AND id = $2 AND deleted_ms IS NULL AND ($9 = 0 OR version = $9)";
const PAUSE: &str = "UPDATE connectors SET paused_ms = $3, version = version + 1 WHERE account_id = $1 AND id = $2 \
    AND deleted_ms IS NULL AND paused_ms IS NULL";
// What happened while it was paused is no outage.
const RESUME: &str = "UPDATE connectors SET paused_ms = NULL, connected_ms = NULL, connected_since_ms = NULL, \
    down_ms = NULL, version = version + 1 WHERE account_id = $1 AND id = $2 AND deleted_ms IS NULL \
    AND paused_ms IS NOT NULL";
const SET_SECRET: &str = "UPDATE connectors SET secret_hash = $3, secret_sealed = $4, secret_hint = $5, \
    version = version + 1 WHERE account_id = $1 AND id = $2 AND deleted_ms IS NULL";
const DELETE: &str = "UPDATE connectors SET deleted_ms = $3, secret_hash = NULL, secret_sealed = NULL \
    WHERE account_id = $1 AND id = $2 AND deleted_ms IS NULL";

#[derive(sqlx_macros::FromRow)]
struct ConnectorRow {
    id: String,
    account_id: String,
    name: String,
    system: String,
    way: String,
    country: Option<String>,
    time_zone: Option<String>,
    trunks: String,
    include_internal: i64,
    ami_address: Option<String>,
    mapping: Option<String>,
    records: Option<String>,
    identity: String,
    paused_ms: Option<i64>,
    secret_hash: Option<String>,
    secret_sealed: Option<String>,
    secret_hint: String,
    version: i64,
    created_ms: i64,
    reported_ms: Option<i64>,
    connected_since_ms: Option<i64>,
    connected_ms: Option<i64>,
    last_event_ms: Option<i64>,
    calls_open: i64,
    lag_ms: Option<i64>,
    system_version: Option<String>,
    problem: Option<String>,
    detail: Option<String>,
    seen: String,
    down_ms: Option<i64>,
    reporters: Option<String>,
}

/// A secret as it is stored.
#[derive(Debug, Clone, Default)]
pub struct StoredSecret {
    /// Its hash, if a phone system sends it to us.
    pub hash: Option<String>,
    /// The secret, sealed, if we send it to the phone system.
    pub sealed: Option<String>,
    /// Its last characters.
    pub hint: String,
}

/// A stored connector.
#[derive(Debug, Clone)]
pub struct StoredConnector {
    /// The connector.
    pub connector: Connector,
    /// Its secret.
    pub secret: StoredSecret,
}

fn number(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or_default()
}

fn lines(stored: &str) -> Vec<String> {
    stored.lines().map(str::to_owned).collect()
}

/// The owner as it is stored: the account, or an empty text for the platform.
#[must_use]
pub fn key(owner: &ConnectorOwner) -> &str {
    owner.account().map_or("", AccountId::as_str)
}

impl ConnectorRow {
    fn state(&self) -> ConnectorState {
        ConnectorState {
            reported_at: self.reported_ms.map(UnixMs),
            connected_since: self.connected_since_ms.map(UnixMs),
            connected_at: self.connected_ms.map(UnixMs),
            last_event_at: self.last_event_ms.map(UnixMs),
            calls_open: number(self.calls_open),
            lag_ms: self.lag_ms.map(number),
            system_version: self.system_version.clone(),
            problem: self.problem.as_deref().and_then(ConnectorProblem::parse),
            detail: self.detail.clone(),
            seen: lines(&self.seen),
            down_since: self.down_ms.map(UnixMs),
            reporters: self.reporters.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default(),
        }
    }
}

impl TryFrom<ConnectorRow> for StoredConnector {
    type Error = StoreError;
    fn try_from(row: ConnectorRow) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "connectors", column, row: row.id.clone() };
        let state = row.state();
        let owner = match row.account_id.as_str() {
            "" => ConnectorOwner::Platform,
            account => ConnectorOwner::Account(AccountId::parse(account).map_err(|_| corrupt("account_id"))?),
        };
        let connector = Connector {
            id: ConnectorId::parse(&row.id).map_err(|_| corrupt("id"))?,
            owner,
            name: row.name,
            system: System::parse(&row.system).ok_or_else(|| corrupt("system"))?,
            way: Way::parse(&row.way).ok_or_else(|| corrupt("way"))?,
            country: row.country.as_deref().and_then(Country::parse),
            time_zone: row.time_zone,
            trunks: lines(&row.trunks),
            include_internal: row.include_internal != 0,
            ami_address: row.ami_address,
            mapping: row.mapping,
            records: row.records,
            identity: row.identity,
            paused_at: row.paused_ms.map(UnixMs),
            secret_hint: row.secret_hint.clone(),
            version: number(row.version),
            created_at: UnixMs(row.created_ms),
            state,
        };
        let secret = StoredSecret { hash: row.secret_hash, sealed: row.secret_sealed, hint: row.secret_hint };
        Ok(Self { connector, secret })
    }
}

/// Inserts a connector.
pub async fn add(tx: &mut Tx, stored: &StoredConnector) -> StoreResult<()> {
    let StoredConnector { connector, secret } = stored;
    within!(tx, c => sqlx::query(ADD)
        .bind(connector.id.as_str()).bind(key(&connector.owner)).bind(&connector.name)
        .bind(connector.system.as_str()).bind(connector.way.as_str()).bind(connector.country.map(String::from))
        .bind(connector.trunks.join("\n")).bind(i64::from(connector.include_internal)).bind(&connector.ami_address)
        .bind(&connector.mapping).bind(&connector.identity).bind(&secret.hash).bind(&secret.sealed).bind(&secret.hint)
        .bind(connector.created_at.0).bind(&connector.time_zone).execute(c).await?.rows_affected());
    Ok(())
}

/// All connectors of an owner, by name.
pub async fn of(db: &Db, owner: &ConnectorOwner) -> StoreResult<Vec<StoredConnector>> {
    let rows: Vec<ConnectorRow> = on!(&db.readers, c => sqlx::query_as(OF_OWNER).bind(key(owner)).fetch_all(c).await?);
    rows.into_iter().map(StoredConnector::try_from).collect()
}

/// One connector of an owner.
pub async fn one(db: &Db, owner: &ConnectorOwner, id: &ConnectorId) -> StoreResult<Option<StoredConnector>> {
    let row: Option<ConnectorRow> =
        on!(&db.readers, c => sqlx::query_as(ONE).bind(key(owner)).bind(id.as_str()).fetch_optional(c).await?);
    row.map(StoredConnector::try_from).transpose()
}

/// One connector, whoever owns it: for phone systems that name it.
pub async fn by_id(db: &Db, id: &ConnectorId) -> StoreResult<Option<StoredConnector>> {
    let row: Option<ConnectorRow> =
        on!(&db.readers, c => sqlx::query_as(BY_ID).bind(id.as_str()).fetch_optional(c).await?);
    row.map(StoredConnector::try_from).transpose()
}

/// The platform's connectors of this way that are not paused.
pub async fn platforms_of_way(db: &Db, way: Way) -> StoreResult<Vec<StoredConnector>> {
    let rows: Vec<ConnectorRow> =
        on!(&db.readers, c => sqlx::query_as(PLATFORMS_OF_WAY).bind(way.as_str()).fetch_all(c).await?);
    rows.into_iter().map(StoredConnector::try_from).collect()
}

/// One connector, locked until the transaction ends.
pub async fn locked(tx: &mut Tx, id: &ConnectorId) -> StoreResult<Option<StoredConnector>> {
    let sql = LOCKED.on(tx.dialect());
    let row: Option<ConnectorRow> = within!(tx, c => sqlx::query_as(sql).bind(id.as_str()).fetch_optional(c).await?);
    row.map(StoredConnector::try_from).transpose()
}

/// Counts an owner's connectors.
pub async fn count(tx: &mut Tx, owner: &ConnectorOwner) -> StoreResult<i64> {
    Ok(within!(tx, c => sqlx::query_scalar(COUNT).bind(key(owner)).fetch_one(c).await?))
}

/// Updates a connector's settings if its version still matches (0 matches any). False if not.
pub async fn update(tx: &mut Tx, connector: &Connector, version: u32) -> StoreResult<bool> {
    let done = within!(tx, c => sqlx::query(UPDATE)
        .bind(key(&connector.owner)).bind(connector.id.as_str()).bind(&connector.name)
        .bind(connector.country.map(String::from)).bind(connector.trunks.join("\n"))
        .bind(i64::from(connector.include_internal)).bind(&connector.ami_address).bind(&connector.mapping)
        .bind(i64::from(version)).bind(&connector.time_zone).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Pauses a connector. False if it is paused.
pub async fn pause(tx: &mut Tx, owner: &ConnectorOwner, id: &ConnectorId, now: UnixMs) -> StoreResult<bool> {
    let done = within!(tx, c => sqlx::query(PAUSE)
        .bind(key(owner)).bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Resumes a connector. False if it is not paused.
pub async fn resume(tx: &mut Tx, owner: &ConnectorOwner, id: &ConnectorId) -> StoreResult<bool> {
    let done = within!(tx, c => sqlx::query(RESUME)
        .bind(key(owner)).bind(id.as_str()).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Replaces a connector's secret. False if it does not exist.
pub async fn set_secret(
    tx: &mut Tx,
    owner: &ConnectorOwner,
    id: &ConnectorId,
    secret: &StoredSecret,
) -> StoreResult<bool> {
    let done = within!(tx, c => sqlx::query(SET_SECRET)
        .bind(key(owner)).bind(id.as_str()).bind(&secret.hash).bind(&secret.sealed).bind(&secret.hint)
        .execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Deletes a connector; what belongs to it is deleted later, in steps. False if it does not exist.
pub async fn delete(tx: &mut Tx, owner: &ConnectorOwner, id: &ConnectorId, now: UnixMs) -> StoreResult<bool> {
    let done = within!(tx, c => sqlx::query(DELETE)
        .bind(key(owner)).bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// The name of another connector of the same owner that is connected to the same phone system.
pub async fn twin(tx: &mut Tx, connector: &Connector, now: UnixMs) -> StoreResult<Option<String>> {
    Ok(within!(tx, c => sqlx::query_scalar(TWIN)
        .bind(key(&connector.owner)).bind(&connector.identity).bind(connector.id.as_str())
        .bind(now.plus_ms(-SILENT_MS).0).fetch_optional(c).await?))
}
