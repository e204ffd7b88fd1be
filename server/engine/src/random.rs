//! The one place that generates random numbers: ids, keys, salts, tokens and the jitter of retries.

use rand::{
    Rng,
    distr::{Distribution, StandardUniform},
};

/// A random value from a generator that the operating system seeds.
#[expect(clippy::disallowed_methods, reason = "this is the one place that generates random numbers")]
pub(crate) fn any<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    rand::random()
}

/// A random number from −1 to 1, to spread retries.
#[expect(clippy::disallowed_methods, reason = "as above")]
pub(crate) fn jitter() -> f64 {
    rand::rng().random_range(-1.0..=1.0)
}
