//! The instance's keys: several while one replaces another, and always one that seals.

use std::{fmt, sync::Arc};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Names a key. Everything that the key has sealed begins with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u32);

impl KeyId {
    /// The key that an instance starts with.
    pub const FIRST: Self = Self(1);

    /// Parses `k1`, `k2`, and so on.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number: u32 = text.strip_prefix('k')?.parse().ok()?;
        let id = Self(number);
        (number > 0 && id.to_string() == text).then_some(id)
    }

    /// The id of the key that sealed this.
    #[must_use]
    pub fn of(sealed: &str) -> Option<Self> {
        Self::parse(sealed.split_once('.')?.0)
    }

    /// The next one.
    #[must_use]
    pub const fn after(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// A key. Debug output does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// The key itself.
    pub bytes: [u8; KEY_BYTES],
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", self.id)
    }
}

/// One or more keys with distinct ids. The first seals; every one opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRing {
    current: Key,
    others: Vec<Key>,
}

impl KeyRing {
    /// A ring of these keys, the first of which seals. None when there is no key, or an id occurs twice.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Option<Self> {
        let mut ids: Vec<KeyId> = keys.iter().map(|key| key.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let distinct = ids.len() == keys.len();
        let mut keys = keys.into_iter();
        let current = keys.next()?;
        distinct.then(|| Self { current, others: keys.collect() })
    }

    /// The ring of an instance that never had another key.
    #[must_use]
    pub const fn one(bytes: [u8; KEY_BYTES]) -> Self {
        Self { current: Key { id: KeyId::FIRST, bytes }, others: Vec::new() }
    }

    /// The key that seals.
    #[must_use]
    pub const fn current(&self) -> &Key {
        &self.current
    }

    /// All keys, the one that seals first.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.others)
    }

    /// The newest key, if it does not seal yet.
    #[must_use]
    pub fn waiting(&self) -> Option<&Key> {
        self.others.iter().max_by_key(|key| key.id).filter(|key| key.id > self.current.id)
    }

    /// The ring with one more key, which opens but does not seal yet.
    #[must_use]
    pub fn with_waiting(mut self, bytes: [u8; KEY_BYTES]) -> Self {
        let newest = self.keys().map(|key| key.id).max().unwrap_or(KeyId::FIRST);
        self.others.push(Key { id: newest.after(), bytes });
        self
    }

    /// The ring in which the waiting key seals.
    #[must_use]
    pub fn promoted(mut self) -> Self {
        let waiting = self.waiting().map(|key| key.id);
        if let Some(at) = self.others.iter().position(|key| Some(key.id) == waiting) {
            let next = self.others.remove(at);
            self.others.insert(0, std::mem::replace(&mut self.current, next));
        }
        self
    }

    /// The ring without these keys; the one that seals always stays.
    #[must_use]
    pub fn without(mut self, retired: &[KeyId]) -> Self {
        self.others.retain(|key| !retired.contains(&key.id));
        self
    }
}

/// The source of a ring that may change while the process runs.
pub trait KeySource: Send + Sync {
    /// The ring, if it has changed since the last call.
    fn changed(&self) -> Option<KeyRing>;
}

/// The keys of the engine.
#[derive(Clone)]
pub struct Keys {
    /// The current ring.
    pub ring: KeyRing,
    /// Where to read newer ones; none when they do not change while the process runs.
    pub source: Option<Arc<dyn KeySource>>,
}

impl From<KeyRing> for Keys {
    fn from(ring: KeyRing) -> Self {
        Self { ring, source: None }
    }
}

impl From<[u8; KEY_BYTES]> for Keys {
    fn from(bytes: [u8; KEY_BYTES]) -> Self {
        KeyRing::one(bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ring: &KeyRing) -> Vec<String> {
        ring.keys().map(|key| key.id.to_string()).collect()
    }

    #[test]
    fn a_key_is_added_then_seals_and_the_old_one_is_removed() {
        let ring = KeyRing::one([1; 32]);
        assert_eq!((ids(&ring), ring.waiting()), (vec!["k1".to_owned()], None));
        let added = ring.with_waiting([2; 32]);
        assert_eq!((ids(&added), added.current().id), (vec!["k1".to_owned(), "k2".to_owned()], KeyId::FIRST));
        let promoted = added.promoted();
        assert_eq!((ids(&promoted), promoted.waiting()), (vec!["k2".to_owned(), "k1".to_owned()], None));
        assert_eq!(promoted.clone().promoted(), promoted, "none waits");
        assert_eq!(ids(&promoted.clone().without(&[KeyId::FIRST])), ["k2"]);
        assert_eq!(promoted.clone().without(&[KeyId(2)]), promoted, "the one that seals stays");
        assert_eq!(ids(&promoted.without(&[KeyId::FIRST]).with_waiting([3; 32]).promoted()), ["k3", "k2"]);
    }

    #[test]
    fn an_id_has_one_spelling_and_occurs_once() {
        assert_eq!(KeyId::parse("k12"), Some(KeyId(12)));
        for wrong in ["k0", "k01", "k+1", "k", "1", "K1", "k99999999999"] {
            assert_eq!(KeyId::parse(wrong), None, "{wrong}");
        }
        assert_eq!((KeyId::of("k3.AAAA"), KeyId::of("k3"), KeyId::of("plain.text")), (Some(KeyId(3)), None, None));
        let key = |bytes| Key { id: KeyId::FIRST, bytes: [bytes; 32] };
        assert_eq!(KeyRing::new(vec![key(1), key(2)]), None);
        assert_eq!(KeyRing::new(Vec::new()), None);
        assert!(!format!("{:?}", key(77)).contains("77"));
    }
}
