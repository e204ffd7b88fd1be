//! The size of an RSA key, to say why a certificate was rejected.

/// Tags of DER (ITU-T X.690).
const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;
/// The algorithm identifier `rsaEncryption` (RFC 8017 appendix C), as DER.
const RSA_ENCRYPTION: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// The bits of the modulus in a `SubjectPublicKeyInfo` (RFC 5280 section 4.1); none if it is no RSA key.
pub(super) fn key_bits(info: &[u8]) -> Option<usize> {
    let (info, _) = element(info, SEQUENCE)?;
    let (algorithm, rest) = element(info, SEQUENCE)?;
    if !algorithm.starts_with(RSA_ENCRYPTION) {
        return None;
    }
    let (bits, _) = element(rest, BIT_STRING)?;
    // The first byte counts unused bits: none.
    let (key, _) = element(bits.get(1..)?, SEQUENCE)?;
    let (modulus, _) = element(key, INTEGER)?;
    let significant = modulus.iter().skip_while(|byte| **byte == 0).count();
    Some(significant * 8)
}

/// The content of the element at the start, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if first != tag {
        return None;
    }
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        (bytes.iter().try_fold(0_usize, |sum, byte| Some(sum.checked_mul(256)? + usize::from(*byte)))?, rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_rsa_key_has_no_size() {
        for bytes in [&[][..], &[SEQUENCE], &[SEQUENCE, 0x82, 0xff], &[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff, 0]] {
            assert_eq!(key_bits(bytes), None, "{bytes:?}");
        }
    }
}
