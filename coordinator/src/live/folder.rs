//! The folder of a live world.
//!
//! ```text
//!   world.json             what exists and where it listens (no secret)
//!   world.yaml             the file that said so, for whoever makes a scenario of it
//!   partition.key          the secret that all Regions share (0600)
//!   running                process id of `faultline up`, while it runs
//!   stop                   asks it to stop
//!   faults.json            faults in force
//!   ca.pem, ca.key         the world's own certificate authority, with TLS (the key: 0600)
//!   front/                 certificate and key of the front door, with TLS
//!   beginning/             the stores as the world was made, for who may reset it
//!   REGION/store/          the Region's store
//!   REGION/root.key        the secret that opens what the store holds sealed (0600)
//!   REGION/node.pem, .key  certificate and key of its node, with TLS
//!   REGION/log.txt         what its node said; log.1.txt what it said before
//! ```

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use faultline_node::live::start::random;
use faultline_proto::names::RegionName;

use super::certificates::CA;
use super::client::Access;
use super::saved::Saved;

/// Where worlds live unless told otherwise.
pub const USUAL: &str = ".faultline/live";

/// The file that a world was made of, in its folder.
pub const WORLD: &str = "world.yaml";

/// A live world's folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder, whether it is there or not.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A Region's own folder in it.
    #[must_use]
    pub fn of(&self, region: &RegionName) -> PathBuf {
        self.0.join(region.as_str())
    }

    /// What is written about the world; `None` when there is none.
    ///
    /// # Errors
    /// A sentence when it cannot be read.
    pub fn saved(&self) -> Result<Option<Saved>, String> {
        let path = self.join("world.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            format!(
                "{} is damaged ({error}); restore it, or remove the folder and begin anew",
                path.display()
            )
        })
    }

    /// The world that must be there.
    ///
    /// # Errors
    /// A sentence when it is not.
    pub fn world(&self) -> Result<Saved, String> {
        self.saved()?.ok_or_else(|| {
            format!(
                "there is no live world in {}; `faultline up` makes one, --dir names another folder",
                self.0.display()
            )
        })
    }

    /// Writes what is known about the world, whole or not at all.
    ///
    /// # Errors
    /// A sentence when it cannot be written.
    pub fn save(&self, saved: &Saved) -> Result<(), String> {
        let text = serde_json::to_string_pretty(saved).map_err(|error| error.to_string())?;
        self.write("world.json", &text)
    }

    /// Writes a file of the folder, whole or not at all.
    ///
    /// # Errors
    /// A sentence when it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let (path, new) = (self.join(name), self.join(&format!("{name}.new")));
        fs::create_dir_all(&self.0)
            .and_then(|()| fs::write(&new, text))
            .and_then(|()| fs::rename(&new, &path))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The secret that all Regions share; made when `make` says so.
    ///
    /// # Errors
    /// A sentence when it cannot be read or made.
    pub fn partition_secret(&self, make: bool) -> Result<Vec<u8>, String> {
        fs::create_dir_all(&self.0).map_err(|error| format!("{}: {error}", self.0.display()))?;
        secret(&self.join("partition.key"), make)
    }

    /// Writes a secret of 32 bytes, in hex, for its owner alone.
    ///
    /// # Errors
    /// A sentence when it is there already, or cannot be written.
    pub fn write_private(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.join(name);
        let mut options = fs::OpenOptions::new();
        fs::create_dir_all(&self.0)
            .and_then(|()| options.write(true).create_new(true).mode(0o600).open(&path))
            .and_then(|mut file| writeln!(file, "{text}"))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// What clients of this world hold.
    ///
    /// # Errors
    /// A sentence when the secret or the authority's certificate cannot be read.
    pub fn access(&self, saved: &Saved) -> Result<Access, String> {
        let path = self.join(CA);
        let ca = saved
            .tls
            .as_ref()
            .map(|_| fs::read(&path).map_err(|error| format!("{}: {error}", path.display())));
        Ok(Access {
            partition_secret: self.partition_secret(false)?,
            ca: ca.transpose()?,
        })
    }

    /// Process id of the `faultline up` that runs here, if one does.
    #[must_use]
    pub fn runs(&self) -> Option<u32> {
        let id: u32 = fs::read_to_string(self.join("running"))
            .ok()?
            .trim()
            .parse()
            .ok()?;
        Path::new(&format!("/proc/{id}")).exists().then_some(id)
    }
}

/// Reads 32 secret bytes in hex from a file that only its owner can read.
///
/// # Errors
/// A sentence when there are none.
pub fn secret(path: &Path, make: bool) -> Result<Vec<u8>, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    match fs::read_to_string(path) {
        Ok(text) => {
            let bytes = hex::decode(text.trim()).map_err(|error| told(&error))?;
            if bytes.len() == 32 {
                Ok(bytes)
            } else {
                Err(told(&"a key file holds 64 hexadecimal digits"))
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound && make => {
            let bytes = random::<32>().map_err(|error| told(&error))?;
            let mut options = fs::OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(path);
            let mut file = file.map_err(|error| told(&error))?;
            writeln!(file, "{}", hex::encode(bytes)).map_err(|error| told(&error))?;
            file.sync_all().map_err(|error| told(&error))?;
            Ok(bytes.to_vec())
        }
        Err(error) => Err(told(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn secrets_are_made_once_and_are_the_owners_alone() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(root.path().join("world"));
        assert!(folder.partition_secret(false).is_err(), "there is none yet");
        let made = folder.partition_secret(true).expect("it is made");
        assert_eq!(folder.partition_secret(true).expect("it is there"), made);
        let mode = fs::metadata(folder.join("partition.key"))
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(folder.join("partition.key"), "abcd").expect("it is written");
        assert!(folder.partition_secret(true).is_err(), "never replaced");
    }

    #[test]
    fn a_folder_without_a_world_says_what_to_do() {
        let root = tempfile::tempdir().expect("a folder");
        let problem = Folder::new(root.path()).world().expect_err("there is none");
        assert!(problem.contains("faultline up"), "{problem}");
    }
}
