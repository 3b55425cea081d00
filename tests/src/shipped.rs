//! The scenario files of the project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use faultline::cli::jobs::{self, Job, Seeds, Wanted};

/// The root of the project.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("this crate lies in a folder of the project")
        .to_owned()
}

/// Every case of every shipped file with the seed of the file, in the order of the paths.
///
/// # Panics
/// When a file is no valid scenario; what is wrong with it was printed.
#[must_use]
pub fn all() -> Vec<Job> {
    of(&root().join("scenarios"), Seeds::OfTheFile)
}

/// The same under other seeds.
///
/// # Panics
/// As [`all`].
#[must_use]
pub fn under(seeds: Seeds) -> Vec<Job> {
    of(&root().join("scenarios"), seeds)
}

/// Scenarios that show that much is possible; a folder of scenarios is run without them.
///
/// # Panics
/// As [`all`].
#[must_use]
pub fn large() -> Vec<Job> {
    of(&root().join("scenarios/large"), Seeds::OfTheFile)
}

/// Every case of one file, `kms/delegation.yaml`, or folder below `scenarios/`.
///
/// # Panics
/// As [`all`].
#[must_use]
pub fn one(file: &str) -> Vec<Job> {
    of(&root().join("scenarios").join(file), Seeds::OfTheFile)
}

/// Every case of a file or of the files of a folder.
///
/// # Panics
/// As [`all`].
#[must_use]
pub fn of(path: &Path, seeds: Seeds) -> Vec<Job> {
    let wanted = Wanted {
        files: vec![path.to_owned()],
        seeds,
        vars: BTreeMap::new(),
        filter: vec![],
    };
    let jobs = jobs::plan(&wanted).expect("the shipped scenarios are valid: see above");
    assert!(!jobs.is_empty(), "{}: no scenario", path.display());
    jobs
}

/// A job's name with its folders, `kms/delegation`, and the values of its matrix.
#[must_use]
pub fn name(job: &Job) -> String {
    let folder = root().join("scenarios");
    let path = job.path.strip_prefix(&folder).unwrap_or(&job.path);
    let name = path.with_file_name(job.name());
    name.to_string_lossy().into_owned()
}
