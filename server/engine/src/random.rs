//! The one place that makes random numbers: ids, keys, salts, tokens and the jitter of retries.

use rand::{
    Rng,
    distr::{Distribution, StandardUniform},
};

/// Something random from the operating system's generator.
#[expect(clippy::disallowed_methods, reason = "this is the one place that makes random numbers")]
pub fn any<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    rand::random()
}

/// A random number from −1 to 1: which way and how far a wait is off.
#[expect(clippy::disallowed_methods, reason = "as above")]
pub fn jitter() -> f64 {
    rand::rng().random_range(-1.0..=1.0)
}
