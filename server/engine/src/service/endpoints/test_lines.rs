//! The test line: an account's built-in receiver.

use async_trait::async_trait;
use domain::{
    Error,
    actor::{Actor, Permission},
    error::Result,
    id::AccountId,
    test_line::{BODY_KEPT_BYTES, Behaviour, KEPT_MS, PATH_PREFIX, TestLine, TestLineRequest, TestLines},
};

use crate::{Engine, random, store::endpoints::test_lines, vault::DecryptError};

/// Characters of a test line's key.
const KEY_CHARS: usize = 26;

#[async_trait]
impl TestLines for Engine {
    async fn test_line(&self, actor: &Actor) -> Result<TestLine> {
        let account = actor.account_if(Permission::WriteEndpoints)?;
        let (key, behaviour) = self.ensure_line(account).await?;
        let requests = test_lines::requests(self.db(), account, self.now().plus_ms(-KEPT_MS)).await?;
        let requests = requests.into_iter().filter_map(|(id, request)| self.open_request(account, &id, request));
        Ok(TestLine { url: self.line_url(&key), behaviour, requests: requests.collect() })
    }

    async fn set_test_line(&self, actor: &Actor, behaviour: Behaviour) -> Result<()> {
        let account = actor.account_if(Permission::WriteEndpoints)?;
        self.ensure_line(account).await?;
        let mut tx = self.db().begin().await?;
        test_lines::set(&mut tx, account, behaviour).await?;
        Ok(tx.commit().await?)
    }

    async fn clear_test_line(&self, actor: &Actor) -> Result<()> {
        let account = actor.account_if(Permission::WriteEndpoints)?;
        let mut tx = self.db().begin().await?;
        test_lines::clear(&mut tx, account).await?;
        Ok(tx.commit().await?)
    }

    async fn check_test_line(&self, key: &str) -> Result<()> {
        self.line_by_key(key).await.map(drop)
    }

    async fn record_test_line_request(&self, key: &str, headers: &str, body: &str) -> Result<Behaviour> {
        let (account, behaviour) = self.line_by_key(key).await?;
        let (at, entropy) = self.next_id();
        let storable = |text: &str| text.replace('\0', "\u{fffd}");
        let id = domain::id::encode(at, entropy);
        // The request contains the endpoint's auth token.
        let sealed = |text: &str, what| self.vault().seal(&storable(text), &seal_context(&account, &id, what));
        let kept = &body[..body.floor_char_boundary(BODY_KEPT_BYTES)];
        let (headers, body) = (sealed(headers, "headers"), sealed(kept, "body"));
        let request = TestLineRequest { received_at: self.now(), headers, body, behaviour };
        let mut tx = self.db().begin().await?;
        test_lines::keep(&mut tx, &account, &id, &request, self.now().plus_ms(-KEPT_MS)).await?;
        tx.commit().await?;
        Ok(behaviour)
    }
}

/// The associated data of a sealed part of a request.
fn seal_context(account: &AccountId, id: &str, what: &str) -> String {
    format!("{account}/{id}/{what}")
}

impl Engine {
    /// Opens a request. `None` if it cannot be decrypted any more.
    fn open_request(&self, account: &AccountId, id: &str, sealed: TestLineRequest) -> Option<TestLineRequest> {
        let open = |text: &str, what| self.vault().open(text, &seal_context(account, id, what));
        let (headers, body) = (open(&sealed.headers, "headers"), open(&sealed.body, "body"));
        let lost = |error: &DecryptError| tracing::error!(%error, request = id);
        let (headers, body) = (headers.inspect_err(lost).ok()?, body.inspect_err(lost).ok()?);
        Some(TestLineRequest { headers, body, ..sealed })
    }

    async fn line_by_key(&self, key: &str) -> Result<(AccountId, Behaviour)> {
        test_lines::by_key(self.db(), key).await?.ok_or_else(|| Error::NotFound("Test line".into()))
    }

    /// The account's test line, created on first use.
    pub(super) async fn ensure_line(&self, account: &AccountId) -> Result<(String, Behaviour)> {
        if let Some(line) = test_lines::line(self.db(), account).await? {
            return Ok(line);
        }
        let random: [u8; KEY_CHARS] = random::any();
        let key: String =
            random.iter().map(|b| char::from(b"0123456789abcdefghjkmnpqrstvwxyz"[usize::from(b % 32)])).collect();
        let mut tx = self.db().begin().await?;
        test_lines::ensure(&mut tx, account, &key, self.now()).await?;
        tx.commit().await?;
        test_lines::line(self.db(), account).await?.ok_or(Error::Internal)
    }

    /// URL of the test line with this key.
    pub(super) fn line_url(&self, key: &str) -> String {
        format!("{}{PATH_PREFIX}{key}", self.config().public_url.as_str().trim_end_matches('/'))
    }
}
