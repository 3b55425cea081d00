//! How far a handler came: an answer, or a saga that waits for other Regions.

/// A handler's result when it did not refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<T> {
    /// The answer.
    Done(T),
    /// The answer comes later: this state is stored and resumed when another Region answers.
    Open(Saga),
}

/// Stored state of a call that waits for other Regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saga {
    /// Which saga, for example `kms.update_primary_region`.
    pub kind: &'static str,
    /// Its state, in the service's own encoding.
    pub state: Vec<u8>,
}

impl<T> Progress<T> {
    /// Changes the answer, if it is there.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Progress<U> {
        match self {
            Self::Done(answer) => Progress::Done(change(answer)),
            Self::Open(saga) => Progress::Open(saga),
        }
    }
}

impl<T> From<T> for Progress<T> {
    fn from(answer: T) -> Self {
        Self::Done(answer)
    }
}
