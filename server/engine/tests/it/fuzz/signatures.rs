//! A signature verifies only what it was made for.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bolero::{TypeGenerator, check};
use domain::{
    id::EventId,
    secret::SigningSecret,
    signature::{header, sign},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// What is signed, of few characters, so that parts of one can be taken for parts of another.
#[derive(Debug, Clone, PartialEq, Eq, TypeGenerator)]
struct Signed {
    key: u8,
    #[generator(bolero::produce::<Vec<u8>>().with().len(1_usize..5))]
    id: Vec<u8>,
    timestamp_s: i16,
    #[generator(bolero::produce::<Vec<u8>>().with().len(0_usize..8))]
    body: Vec<u8>,
}

fn from(alphabet: &[u8], choices: &[u8]) -> Vec<u8> {
    choices.iter().map(|n| alphabet[usize::from(*n) % alphabet.len()]).collect()
}

impl Signed {
    fn secret(&self) -> SigningSecret {
        SigningSecret::new(&[self.key % 4; 32])
    }

    /// The id, timestamp and body; none if no event can have this id.
    fn parts(&self) -> Option<(EventId, i64, Vec<u8>)> {
        let id = String::from_utf8(from(b"1-.a", &self.id)).ok()?;
        Some((EventId::parse(&id).ok()?, i64::from(self.timestamp_s % 12), from(b"1.-a\xff", &self.body)))
    }
}

/// Verifies as the guides tell receivers to, without our code.
fn verifies(secret: &SigningSecret, header: &str, id: &str, timestamp_s: i64, body: &[u8]) -> bool {
    header.split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|signature| {
        let key = STANDARD.decode(secret.reveal().strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update([id.as_bytes(), b".", timestamp_s.to_string().as_bytes(), b".", body].concat().as_slice());
        mac.verify_slice(&STANDARD.decode(signature).unwrap()).is_ok()
    })
}

#[test]
fn a_signature_verifies_only_its_own_event_time_and_body() {
    check!().with_type::<(Signed, Signed)>().with_iterations(2_000).for_each(|(one, other)| {
        let (Some((id, at, body)), Some((other_id, other_at, other_body))) = (one.parts(), other.parts()) else {
            return;
        };
        let secrets = [one.secret(), SigningSecret::new(&[99; 32])];
        let header = header(&secrets, id.as_str(), at, &body);
        assert!(secrets.iter().all(|secret| verifies(secret, &header, id.as_str(), at, &body)));
        let is_same = one.secret() == other.secret() && (&id, at, &body) == (&other_id, other_at, &other_body);
        assert_eq!(verifies(&other.secret(), &header, other_id.as_str(), other_at, &other_body), is_same);
    });
}

#[test]
fn a_secret_that_was_parsed_signs_with_its_own_bytes() {
    check!().with_type::<(Vec<u8>, Vec<u8>)>().with_iterations(2_000).for_each(|(key, typed)| {
        let encoded = format!("whsec_{}", STANDARD.encode(key));
        let parsed = SigningSecret::parse(&encoded);
        assert_eq!(parsed.as_ref().map(SigningSecret::bytes).unwrap_or_default(), *key);
        assert_eq!(parsed.is_err(), key.is_empty(), "only an empty key is refused");
        if let Ok(other) = SigningSecret::parse(&String::from_utf8_lossy(typed)) {
            assert!(!other.bytes().is_empty() && sign(&other, "evt_1", 1, b"").len() > "v1,".len());
        }
    });
}
