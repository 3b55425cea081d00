//! What Encrypt, Decrypt, ReEncrypt and the data keys have in common: bytes under a KMS key.
//!
//! A symmetric key makes blobs that name it (`ciphertext`); an RSA key makes what anybody with
//! its public key could have made, which names nothing (K-061).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::asymmetric::{Draw, Oaep};
use super::ciphertext::{self, Blob, Maker};
use super::error::KmsError;
use super::keyspaces::KeyRow;
use super::resolve::{Accepts, allows, by_id, find, usable_for};
use super::specs::KeyUsage;
use super::states::Use;
use super::{journal, key_pairs, material};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// The algorithm of symmetric keys, and the one that is meant when none is said (K-060).
pub(crate) const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

/// An encryption context.
pub(crate) type Pairs = BTreeMap<String, String>;

/// K-089: everything was checked; only a dry run ends here.
pub(crate) fn unless_dry(dry_run: Option<bool>) -> Result<(), KmsError> {
    if dry_run.unwrap_or(false) {
        Err(KmsError::DryRun)
    } else {
        Ok(())
    }
}

/// An encryption algorithm that a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cipher {
    /// AES-256-GCM.
    Symmetric,
    /// RSA-OAEP.
    Oaep(Oaep),
}

impl Cipher {
    /// The algorithm that a request asks of `row`, a key for encryption (K-012, K-060).
    pub(crate) fn read(row: &KeyRow, asked: Option<&str>) -> Result<Self, KmsError> {
        let name = asked.unwrap_or(SYMMETRIC);
        row.fits(KeyUsage::EncryptDecrypt, name)?;
        Ok(Oaep::named(name).map_or(Self::Symmetric, Self::Oaep))
    }

    /// AWS's name.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Symmetric => SYMMETRIC,
            Self::Oaep(Oaep::Sha1) => "RSAES_OAEP_SHA_1",
            Self::Oaep(Oaep::Sha256) => "RSAES_OAEP_SHA_256",
        }
    }

    /// K-063: only symmetric keys bind a context.
    pub(crate) fn check_context(self, context: &Pairs) -> Result<(), KmsError> {
        if self != Self::Symmetric && !context.is_empty() {
            return Err(KmsError::ContextOfPair);
        }
        Ok(())
    }

    /// K-059: what an RSA key can carry.
    pub(crate) fn check_length(self, row: &KeyRow, plaintext: &[u8]) -> Result<(), KmsError> {
        let Self::Oaep(algorithm) = self else {
            return Ok(());
        };
        let most = key_pairs::spec_of(row)
            .and_then(|spec| spec.modulus())
            .map_or(0, |bits| algorithm.most(bits));
        if plaintext.len() > most {
            return Err(KmsError::TooLong {
                algorithm: self.text(),
                spec: row.kind.spec.text(),
                most,
            });
        }
        Ok(())
    }
}

/// What bytes are to be encrypted with.
pub(crate) struct Sealing<'r> {
    /// The key.
    pub row: &'r KeyRow,
    /// The algorithm.
    pub cipher: Cipher,
    /// Who asks, as oracles know it.
    pub operation: &'static str,
    /// The encryption context.
    pub context: &'r Pairs,
}

/// Encrypts; the caller has checked context and length.
pub(crate) fn seal(
    ctx: &mut Ctx<'_>,
    with: &Sealing<'_>,
    plaintext: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let row = with.row;
    let current = row.current_material()?.to_owned();
    let sealed = match with.cipher {
        Cipher::Symmetric => {
            let backing = material::open(ctx, row, &current)?;
            let maker = Maker {
                key: row.id.clone(),
                account: row.account.clone(),
                material: current.clone(),
            };
            ciphertext::seal(ctx.entropy(), &maker, &backing, with.context, plaintext)
        }
        Cipher::Oaep(algorithm) => {
            let pair = key_pairs::of(ctx, row)?;
            let mut draw = Draw::new(ctx.entropy(), "kms.oaep");
            let sealed = pair.encrypt(algorithm, plaintext, &mut draw);
            sealed.map_err(|why| key_pairs::unexpected(row, why))?
        }
    };
    journal::used(ctx, row, &current, with.operation);
    Ok(sealed)
}

/// A ciphertext and what the request says of it.
pub(crate) struct Sealed<'r> {
    /// The key that the request names.
    pub key: Option<&'r str>,
    /// The bytes.
    pub bytes: &'r [u8],
    /// The algorithm that the request names.
    pub algorithm: Option<&'r str>,
    /// The encryption context.
    pub context: &'r Pairs,
    /// Who asks, in AWS's refusals.
    pub name: &'static str,
    /// Who asks, as oracles know it.
    pub operation: &'static str,
}

/// An opened ciphertext.
pub(crate) struct Opened {
    /// Its key.
    pub row: Arc<KeyRow>,
    /// The backing key that it names; none of an asymmetric one.
    pub material: Option<String>,
    /// The algorithm.
    pub cipher: Cipher,
    /// The bytes.
    pub plaintext: Vec<u8>,
}

/// The key of a symmetric blob: the one named, which must be the one that made it (K-068, K-069).
fn maker(ctx: &mut Ctx<'_>, sealed: &Sealed<'_>, blob: &Blob<'_>) -> Result<Arc<KeyRow>, KmsError> {
    let Some(key) = sealed.key else {
        return by_id(ctx, blob.maker.account.clone(), &blob.maker.key).present();
    };
    let row = find(ctx, key, Accepts::Aliases)?.present()?;
    allows(&row, Use::Cryptography)?;
    if row.id == blob.maker.key && row.account == blob.maker.account {
        Ok(row)
    } else {
        Err(KmsError::IncorrectKey)
    }
}

/// Decrypts a blob of a symmetric key.
fn open_blob(ctx: &mut Ctx<'_>, sealed: &Sealed<'_>) -> Result<Opened, Refusal> {
    let blob = match (Blob::read(sealed.bytes), sealed.key) {
        (Ok(blob), _) => blob,
        (Err(no), None) => return Err(no.into()),
        (Err(no), Some(key)) => {
            // A key that makes no blobs is the more useful answer.
            let row = find(ctx, key, Accepts::Aliases)?.present()?;
            allows(&row, Use::Cryptography)?;
            row.is_for(KeyUsage::EncryptDecrypt, sealed.name)?;
            row.fits(KeyUsage::EncryptDecrypt, SYMMETRIC)?;
            return Err(no.into());
        }
    };
    let row = maker(ctx, sealed, &blob)?;
    allows(&row, Use::Cryptography)?;
    // K-075: an id that another kind of key has here would be a forgery.
    row.fits(KeyUsage::EncryptDecrypt, SYMMETRIC)
        .map_err(|_| KmsError::InvalidCiphertext)?;
    let backing = material::open(ctx, &row, &blob.maker.material)?;
    let plaintext = blob.open(&backing, sealed.context)?;
    journal::used(ctx, &row, &blob.maker.material, sealed.operation);
    Ok(Opened {
        row,
        material: Some(blob.maker.material),
        cipher: Cipher::Symmetric,
        plaintext,
    })
}

/// Decrypts.
pub(crate) fn open(ctx: &mut Ctx<'_>, sealed: &Sealed<'_>) -> Result<Opened, Refusal> {
    if sealed.algorithm.unwrap_or(SYMMETRIC) == SYMMETRIC {
        return open_blob(ctx, sealed);
    }
    let usage = KeyUsage::EncryptDecrypt;
    let row = usable_for(ctx, sealed.key, Use::Cryptography, usage, sealed.name)?;
    let cipher = Cipher::read(&row, sealed.algorithm)?;
    cipher.check_context(sealed.context)?;
    let Cipher::Oaep(algorithm) = cipher else {
        return Err(KmsError::InvalidCiphertext.into());
    };
    let material = row.current_material()?.to_owned();
    let pair = key_pairs::of(ctx, &row)?;
    let mut draw = Draw::new(ctx.entropy(), "kms.oaep");
    let mut plaintext = pair
        .decrypt(algorithm, sealed.bytes, &mut draw)
        .map_err(|_| KmsError::InvalidCiphertext)?;
    journal::used(ctx, &row, &material, sealed.operation);
    Ok(Opened {
        row,
        material: None,
        cipher,
        plaintext: std::mem::take(&mut *plaintext),
    })
}
