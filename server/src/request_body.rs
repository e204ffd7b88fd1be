//! Receives the body of a request, the same for every route that keeps one: up to a limit, and within the budget that all
//! clients share.

use std::{hash::Hash, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    http::{HeaderMap, header},
};
use domain::Error;
use http_body_util::{BodyExt as _, Limited};

use crate::fair_budget::Part;

/// Bytes of each body that are not counted, so that ordinary events are posted beside large bodies of the same client. They
/// are bounded by the number of connections.
const FREE_BYTES: usize = 4 * 1_024;
/// How long a body that is refused is read and discarded.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of it is read and discarded, so that its sender can read the response.
const DRAIN_MAX_BYTES: usize = 64 * 1_024 * 1_024;

/// Who has a part of the budget.
pub trait Client: Clone + Eq + Hash {}

impl<K: Clone + Eq + Hash> Client for K {}

/// A body, and its part of the budget until it is dropped.
#[derive(Debug)]
pub struct Received<K: Client> {
    /// All of it.
    pub bytes: Bytes,
    /// Its part.
    pub held: Part<K>,
}

/// Why a body was not received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It has more bytes than the route accepts.
    TooLarge,
    /// Its client, or all of them together, hold too many.
    Busy,
    /// The connection failed.
    Broken,
}

/// What a client hears whose body has no room.
#[must_use]
pub fn busy() -> Error {
    Error::Unavailable {
        detail: "Too many large requests at once. Nothing was stored; try again shortly.".into(),
        retry_after_s: 1,
    }
}

/// Receives a body of at most this many bytes, for which its client holds `held`. A body takes its part as it arrives: an
/// announced one that never comes costs nothing.
///
/// # Errors
/// When it is refused. Most of it has then been read, so that the sender can read the response.
pub async fn receive<K: Client>(
    headers: &HeaderMap,
    mut body: Body,
    max_bytes: usize,
    held: Part<K>,
) -> Result<Received<K>, Refused> {
    let announced = body.size_hint();
    if announced.lower() > max_bytes as u64 {
        // A sender that asks first (`Expect: 100-continue`) gets the error before it has sent anything.
        if !headers.contains_key(header::EXPECT) {
            drain(body).await;
        }
        return Err(Refused::TooLarge);
    }
    let most = announced.upper().and_then(|upper| usize::try_from(upper).ok()).map_or(max_bytes, |n| n.min(max_bytes));
    let mut growing = Growing { bytes: Vec::new(), most, held };
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(|_| Refused::Broken)?.into_data() else { continue };
        // Nearly every body is one chunk, which needs no copy.
        if growing.bytes.is_empty() && body.is_end_stream() && chunk.len() <= max_bytes {
            return growing.whole(chunk).ok_or(Refused::Busy);
        }
        if let Err(refused) = growing.add(&chunk, max_bytes) {
            drop((chunk, growing));
            drain(body).await;
            return Err(refused);
        }
    }
    Ok(Received { bytes: growing.bytes.into(), held: growing.held })
}

/// A body that is arriving. It is copied together: chunks are parts of the buffers they were read into, so that one byte
/// could keep many kilobytes.
struct Growing<K: Client> {
    bytes: Vec<u8>,
    most: usize,
    held: Part<K>,
}

impl<K: Client> Growing<K> {
    fn add(&mut self, chunk: &[u8], max_bytes: usize) -> Result<(), Refused> {
        let needed = self.bytes.len() + chunk.len();
        if needed > max_bytes {
            return Err(Refused::TooLarge);
        }
        if needed > self.bytes.capacity() {
            let capacity = (2 * self.bytes.capacity()).min(self.most).max(needed);
            if !self.held.grow_to(counted(capacity)) {
                return Err(Refused::Busy);
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn whole(mut self, chunk: Bytes) -> Option<Received<K>> {
        self.held.grow_to(counted(chunk.len())).then_some(Received { bytes: chunk, held: self.held })
    }
}

const fn counted(bytes: usize) -> usize {
    bytes.saturating_sub(FREE_BYTES)
}

/// Closing while data still arrives would reset the connection, and the sender would lose the response.
pub async fn drain(body: Body) {
    let mut rest = Limited::new(body, DRAIN_MAX_BYTES);
    let all = async { while let Some(Ok(_)) = rest.frame().await {} };
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, all).await;
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;
    use crate::fair_budget::FairBudget;

    fn chunked(chunks: &[&'static str]) -> Body {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok::<_, std::io::Error>(*chunk)).collect();
        Body::from_stream(stream::iter(chunks))
    }

    async fn received(
        body: Body,
        max_bytes: usize,
        budget: &FairBudget<&'static str>,
    ) -> Result<Received<&'static str>, Refused> {
        receive(&HeaderMap::new(), body, max_bytes, budget.part_of("ana")).await
    }

    #[tokio::test]
    async fn a_body_is_received_whole_in_one_chunk_or_many() {
        let budget = FairBudget::new(0);
        for body in [Body::from("abcd"), chunked(&["a", "bc", "d"]), chunked(&["abcd"])] {
            assert_eq!(received(body, 4, &budget).await.unwrap().bytes, "abcd");
        }
        assert_eq!(received(Body::empty(), 0, &budget).await.unwrap().bytes, "");
    }

    #[tokio::test]
    async fn a_body_over_its_limit_or_over_the_budget_is_refused() {
        let budget = FairBudget::new(1_000);
        for body in [Body::from("abcde"), chunked(&["a", "bc", "de"])] {
            assert_eq!(received(body, 4, &budget).await.unwrap_err(), Refused::TooLarge);
        }
        let large = || Body::from("x".repeat(5_000));
        assert_eq!(received(large(), 5_000, &budget).await.unwrap_err(), Refused::Busy);
        assert_eq!(received(large(), 5_000, &FairBudget::new(2_000)).await.unwrap().bytes.len(), 5_000);
    }

    #[tokio::test]
    async fn many_small_chunks_keep_no_more_than_their_bytes_need() {
        let held = FairBudget::new(1 << 20).part_of("ana");
        let mut body = Growing { bytes: Vec::new(), most: 100_000, held };
        for _ in 0..100_000 {
            body.add(b"x", 100_000).unwrap();
        }
        assert_eq!(body.bytes.capacity(), 100_000);
    }
}
