//! From files to runs: every case of every file with every seed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{colours, files, out, say};
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::{Plan, load_with};
use crate::seed::RunSeed;

/// One run to be made.
#[derive(Debug, Clone)]
pub struct Job {
    /// The file as the user gave it.
    pub path: PathBuf,
    /// What is in it.
    pub plan: Arc<Plan>,
    /// Which case of the plan.
    pub case: usize,
    /// The seed.
    pub seed: RunSeed,
}

impl Job {
    /// Name of the run: the file's stem, and the matrix values.
    #[must_use]
    pub fn name(&self) -> String {
        let stem = self
            .path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match self
            .plan
            .cases
            .get(self.case)
            .map(|case| case.label.as_str())
        {
            None | Some("") => stem,
            Some(label) => format!("{stem} [{label}]"),
        }
    }

    /// File name without folders.
    #[must_use]
    pub fn file(&self) -> String {
        self.path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }
}

/// Which seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeds {
    /// The file's, else 1.
    OfTheFile,
    /// This one.
    One(u64),
    /// From one to another, both included.
    Range(u64, u64),
}

/// Reads `1..200`: both ends are meant.
///
/// # Errors
/// What it should have been.
pub fn parse_seeds(text: &str) -> Result<Seeds, String> {
    let (from, to) = text
        .split_once("..")
        .ok_or("seeds are given as A..B, both included")?;
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|error| format!("`{text}`: {error}"))
    };
    let (from, to) = (number(from)?, number(to.trim_start_matches('='))?);
    if from > to {
        Err(format!("{from} comes after {to}"))
    } else {
        Ok(Seeds::Range(from, to))
    }
}

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Files and folders.
    pub files: Vec<PathBuf>,
    /// Seeds.
    pub seeds: Seeds,
    /// Values for variables.
    pub vars: BTreeMap<String, String>,
    /// Words of which each must be in the name, the title or the tags.
    pub filter: Vec<String>,
}

/// Why there are no jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoJobs {
    /// A path is wrong.
    Usage,
    /// A file is invalid.
    Invalid,
}

/// Reads all files and says what is wrong with any of them before anything runs.
///
/// # Errors
/// [`NoJobs`] after the problems were printed.
pub fn plan(wanted: &Wanted) -> Result<Vec<Job>, NoJobs> {
    let paths = files::find(&wanted.files).map_err(|problem| {
        say(&problem);
        NoJobs::Usage
    })?;
    let mut jobs = Vec::new();
    let mut invalid = false;
    for path in paths {
        let source = match files::read(&path) {
            Ok(source) => source,
            Err(problem) => {
                say(&problem);
                invalid = true;
                continue;
            }
        };
        match load_with(&source, &wanted.vars) {
            Err(problems) => {
                out(&render(&source, &problems, Format::Human(colours())));
                invalid = true;
            }
            Ok(plan) if !matches(&plan, &path, &wanted.filter) => {}
            Ok(plan) => {
                if !plan.warnings.is_empty() {
                    say(render(&source, &plan.warnings, Format::Human(colours())).trim_end());
                }
                jobs.extend(jobs_of(path, plan, wanted.seeds));
            }
        }
    }
    if invalid {
        Err(NoJobs::Invalid)
    } else {
        Ok(jobs)
    }
}

fn jobs_of(path: PathBuf, plan: Plan, seeds: Seeds) -> Vec<Job> {
    let (from, to) = match seeds {
        Seeds::OfTheFile => (plan.seed.unwrap_or(1), plan.seed.unwrap_or(1)),
        Seeds::One(seed) => (seed, seed),
        Seeds::Range(from, to) => (from, to),
    };
    let plan = Arc::new(plan);
    let cases = 0..plan.cases.len();
    cases
        .flat_map(|case| (from..=to).map(move |seed| (case, seed)))
        .map(|(case, seed)| Job {
            path: path.clone(),
            plan: Arc::clone(&plan),
            case,
            seed: RunSeed(seed),
        })
        .collect()
}

/// Whether each word is somewhere in the path, the title or the tags.
fn matches(plan: &Plan, path: &std::path::Path, filter: &[String]) -> bool {
    let haystack =
        format!("{} {} {}", path.display(), plan.title, plan.tags.join(" ")).to_lowercase();
    filter
        .iter()
        .all(|word| haystack.contains(&word.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_range_are_meant() {
        assert_eq!(parse_seeds("1..200"), Ok(Seeds::Range(1, 200)));
        assert_eq!(parse_seeds("7..=7"), Ok(Seeds::Range(7, 7)));
        for wrong in ["7", "a..b", "5..1", ".."] {
            assert!(parse_seeds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_case_has_each_seed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tides.yaml");
        std::fs::write(&path, super::super::new::TEMPLATE).expect("it is written");
        let wanted = |seeds, filter: &[&str]| Wanted {
            files: vec![path.clone()],
            seeds,
            vars: BTreeMap::new(),
            filter: filter.iter().map(|word| (*word).to_owned()).collect(),
        };
        let seeds = |jobs: Vec<Job>| jobs.iter().map(|job| job.seed.0).collect::<Vec<_>>();
        assert_eq!(plan(&wanted(Seeds::OfTheFile, &[])).map(seeds), Ok(vec![1]));
        assert_eq!(
            plan(&wanted(Seeds::Range(3, 5), &["KMS", "tides"])).map(seeds),
            Ok(vec![3, 4, 5])
        );
        assert_eq!(
            plan(&wanted(Seeds::One(9), &["dynamodb"])).map(seeds),
            Ok(vec![])
        );
    }
}
