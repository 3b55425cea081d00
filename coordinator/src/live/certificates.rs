//! Certificates of a live world: one authority, and a certificate a node that names its Region.
//!
//! The authority is made once and trusted by whoever is told to. Certificates of nodes are made
//! anew at every start, for what the world listens on then.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use faultline_node::live::LiveClock;
use faultline_node::tls::node_name;
use faultline_proto::names::{Elapsed, RegionName};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// File of the authority's certificate.
pub const CA: &str = "ca.pem";
/// File of the authority's private key.
const CA_KEY: &str = "ca.key";
/// The name that the front door's certificate bears beside its clients' names.
pub const FRONT: &str = "front.faultline.internal";
/// How long a certificate of a node is good for: what every client takes.
const DAYS: u64 = 397;
/// How long the authority is.
const AUTHORITY_DAYS: u64 = 3650;

/// Signs the certificates of one world.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Seconds since 1970.
    now: u64,
}

impl Authority {
    /// The authority of a folder; made when it is not there.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn of(folder: &Path) -> Result<Self, String> {
        let now = u64::try_from(LiveClock::start(Elapsed(0)).wall().0 / 1_000_000).unwrap_or(0);
        let (ca, key) = (folder.join(CA), folder.join(CA_KEY));
        let told =
            |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        if ca.exists() && key.exists() {
            let text = fs::read_to_string(&key).map_err(|error| told(&key, &error))?;
            let pair = KeyPair::from_pem(&text).map_err(|error| told(&key, &error))?;
            let issuer = Issuer::new(authority(now, &pair), pair);
            return Ok(Self { issuer, now });
        }
        let pair = KeyPair::generate().map_err(|error| error.to_string())?;
        let params = authority(now, &pair);
        let made = params
            .self_signed(&pair)
            .map_err(|error| error.to_string())?;
        private(&key, &pair.serialize_pem())?;
        fs::write(&ca, made.pem()).map_err(|error| told(&ca, &error))?;
        let issuer = Issuer::new(params, pair);
        Ok(Self { issuer, now })
    }

    /// Writes `node.pem` and `node.key` of a Region into its folder.
    ///
    /// # Errors
    /// A sentence when a name is none, or a file cannot be written.
    pub fn node(
        &self,
        folder: &Path,
        region: &RegionName,
        addresses: &[IpAddr],
        names: &[String],
    ) -> Result<(), String> {
        let mut all = names_of(region);
        all.extend(names.iter().cloned());
        self.write(folder, &node_name(region), &all, addresses)
    }

    /// Writes `node.pem` and `node.key` of the front door into a folder.
    ///
    /// # Errors
    /// As [`Self::node`].
    pub fn front(
        &self,
        folder: &Path,
        regions: &[RegionName],
        addresses: &[IpAddr],
        names: &[String],
    ) -> Result<(), String> {
        let mut all: Vec<String> = regions.iter().flat_map(names_of).collect();
        all.extend(names.iter().cloned());
        self.write(folder, FRONT, &all, addresses)
    }

    fn write(
        &self,
        folder: &Path,
        name: &str,
        names: &[String],
        addresses: &[IpAddr],
    ) -> Result<(), String> {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let pair = KeyPair::generate().map_err(|error| error.to_string())?;
        let made = self.sign(name, names, addresses, &pair);
        let made = made.map_err(|error| format!("no certificate for {name}: {error}"))?;
        let cert = folder.join("node.pem");
        private(&folder.join("node.key"), &pair.serialize_pem())?;
        fs::write(&cert, made.pem()).map_err(|error| format!("{}: {error}", cert.display()))
    }

    fn sign(
        &self,
        name: &str,
        names: &[String],
        addresses: &[IpAddr],
        pair: &KeyPair,
    ) -> Result<Certificate, rcgen::Error> {
        let mut all = vec![name.to_owned(), "localhost".to_owned()];
        // Buckets as the first label; some clients take no wildcard right below the top.
        all.extend(["*.localhost", "s3.localhost", "*.s3.localhost"].map(str::to_owned));
        all.extend(names.iter().cloned());
        all.extend(["127.0.0.1", "::1"].map(str::to_owned));
        all.extend(addresses.iter().map(ToString::to_string));
        all.sort();
        all.dedup();
        let mut params = CertificateParams::new(all)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        lasts(&mut params, self.now, DAYS);
        params.signed_by(pair, &self.issuer)
    }
}

/// Names by which clients reach a Region beside `localhost`.
fn names_of(region: &RegionName) -> Vec<String> {
    vec![
        format!("{region}.localhost"),
        format!("s3.{region}.localhost"),
        format!("*.s3.{region}.localhost"),
    ]
}

/// What the authority's certificate says. It follows from the key, so that it need not be read
/// back to sign with it.
fn authority(now: u64, pair: &KeyPair) -> CertificateParams {
    use sha2::Digest as _;
    let which = hex::encode(&sha2::Sha256::digest(pair.public_key_raw())[..6]);
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let name = format!("Faultline world {which}");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lasts(&mut params, now, AUTHORITY_DAYS);
    params
}

fn lasts(params: &mut CertificateParams, now: u64, days: u64) {
    const DAY: u64 = 86_400;
    let epoch = date_time_ymd(1970, 1, 1);
    // Clocks of clients may be behind.
    params.not_before = epoch + Duration::from_secs(now.saturating_sub(DAY));
    params.not_after = epoch + Duration::from_secs(now + days * DAY);
}

/// Writes what only its owner may read; what was there is replaced.
fn private(path: &Path, text: &str) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(told(error)),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultline_node::tls::{Tls, TlsFiles};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_certificate_names_its_region_and_no_other() {
        let root = tempfile::tempdir().expect("a folder");
        let ireland = RegionName::new("eu-west-1").expect("a Region");
        let authority = Authority::of(root.path()).expect("it is made");
        let ca = fs::read(root.path().join(CA)).expect("it is there");
        authority
            .node(root.path(), &ireland, &[], &["kms.example".to_owned()])
            .expect("it is made");
        let again = Authority::of(root.path()).expect("it is there");
        assert_eq!(fs::read(root.path().join(CA)).expect("it is there"), ca);
        let files = TlsFiles {
            ca: root.path().join(CA),
            cert: root.path().join("node.pem"),
            key: root.path().join("node.key"),
            public: None,
        };
        Tls::load(&files, &node_name(&ireland)).expect("it is its own");
        let other = Tls::load(&files, "us-east-1.faultline.internal").expect_err("another's");
        assert!(other.contains("does not name us-east-1"), "{other}");
        again
            .front(root.path(), &[ireland], &[], &[])
            .expect("it is made");
        Tls::load(&files, FRONT).expect("the front door's");
        assert!(
            again
                .node(
                    root.path(),
                    &RegionName::new("us-east-1").expect("a Region"),
                    &[],
                    &["ä".into()]
                )
                .is_err()
        );
        for key in [CA_KEY, "node.key"] {
            let file = fs::metadata(root.path().join(key)).expect("it is there");
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{key}");
        }
    }
}
