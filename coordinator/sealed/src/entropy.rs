//! Where random bytes come from: the caller, so that a run can be repeated.

/// A source of random bytes, each asked for by purpose.
///
/// The same source asked for the same purposes in the same order must give the same
/// bytes when a run is to be repeated.
pub trait Entropy {
    /// Fills `out` with bytes for `purpose`, for example `sealed.message-id`.
    fn fill(&mut self, purpose: &str, out: &mut [u8]);
}

impl<E: Entropy + ?Sized> Entropy for &mut E {
    fn fill(&mut self, purpose: &str, out: &mut [u8]) {
        (**self).fill(purpose, out);
    }
}
