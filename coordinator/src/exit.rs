//! What the program's exit status means.

use std::process::ExitCode;

use crate::journal::event::Judgement;

/// Every way in which the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything passed.
    Passed,
    /// An expectation, oracle or goal failed.
    Failed,
    /// Wrong usage.
    Usage,
    /// A file is invalid.
    InvalidFile,
    /// Nothing failed, but something could not be judged.
    Unknown,
    /// There was nothing to run.
    Nothing,
    /// The environment failed: a port, a disk, a node that did not start.
    Environment,
    /// A bug in the program, or a determinism check failed.
    Bug,
    /// Interrupted; a partial report is written.
    Interrupted,
}

impl Exit {
    /// All, with the number and one sentence, as `--help` and the manual print them.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Passed, "everything passed"),
        (Self::Failed, "an expectation, oracle or goal failed"),
        (Self::Usage, "wrong usage"),
        (Self::InvalidFile, "a file is invalid"),
        (
            Self::Unknown,
            "nothing failed, but something could not be judged",
        ),
        (Self::Nothing, "nothing to run"),
        (
            Self::Environment,
            "the environment failed (port, disk, node did not start)",
        ),
        (
            Self::Bug,
            "a bug in the program, or a determinism check failed",
        ),
        (Self::Interrupted, "interrupted, partial report written"),
    ];

    /// The number that the shell sees.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::InvalidFile => 3,
            Self::Unknown => 4,
            Self::Nothing => 5,
            Self::Environment => 6,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }

    /// What a run's judgement comes to.
    #[must_use]
    pub fn of(judgement: Judgement) -> Self {
        match judgement {
            Judgement::Pass => Self::Passed,
            Judgement::Fail => Self::Failed,
            Judgement::Unknown => Self::Unknown,
            Judgement::Error => Self::Environment,
        }
    }

    /// The exit of several runs: what a person must look at first.
    #[must_use]
    pub fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        let urgency = |exit: &Self| match exit {
            Self::Bug => 8,
            Self::Interrupted => 7,
            Self::Environment => 6,
            Self::Usage => 5,
            Self::InvalidFile => 4,
            Self::Failed => 3,
            Self::Unknown => 2,
            Self::Passed => 1,
            Self::Nothing => 0,
        };
        exits
            .into_iter()
            .max_by_key(urgency)
            .unwrap_or(Self::Nothing)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides_and_no_run_is_nothing() {
        let cases: [(&[Exit], Exit); 5] = [
            (&[], Exit::Nothing),
            (&[Exit::Passed, Exit::Passed], Exit::Passed),
            (&[Exit::Passed, Exit::Unknown], Exit::Unknown),
            (&[Exit::Unknown, Exit::Failed, Exit::Passed], Exit::Failed),
            (&[Exit::Failed, Exit::Environment], Exit::Environment),
        ];
        for (exits, worst) in cases {
            assert_eq!(Exit::worst(exits.iter().copied()), worst);
        }
    }

    #[test]
    fn every_exit_has_its_own_status_and_its_sentence() {
        let statuses: std::collections::BTreeSet<u8> =
            Exit::ALL.iter().map(|(exit, _)| exit.status()).collect();
        assert_eq!(statuses.len(), Exit::ALL.len());
    }
}
