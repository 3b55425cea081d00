//! Key states, and the matrix of what each operation does in each of them (K-036 to K-057).
//!
//! The matrix is data: one row an operation, one column a state, as the documentation prints
//! it. A cell is `Ok` or the number of a message form (K-049); where the page allows [2] or [3]
//! for a key pending deletion, ours is [3] (K-050).

use faultline_proto::names::{Elapsed, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::KmsError;
use super::specs::Origin;

/// What a key is, with what only that state has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeyState {
    /// Usable.
    Enabled,
    /// Switched off by DisableKey, or left by a cancelled deletion (K-041).
    Disabled,
    /// Waits for its end.
    PendingDeletion {
        /// The DeletionDate shown, on this Region's clock.
        date: Timestamp,
        /// The unskewed moment of the real deletion.
        at: Elapsed,
        /// The window asked for.
        days: u8,
    },
    /// A primary that waits for its replicas to be gone; the window starts only then (K-043).
    PendingReplicaDeletion {
        /// The window asked for.
        days: u8,
    },
    /// A replica being made (K-104).
    Creating,
    /// A multi-Region key changing its role (K-114).
    Updating {
        /// The UpdatePrimaryRegion that caused it, by its request id.
        operation: String,
        /// Whether its outcome is not known yet; then nothing else may begin.
        open: bool,
    },
    /// A permanent material of an imported key is not here (K-044 to K-046).
    PendingImport,
}

/// The name of a state: a column of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StateName {
    /// Usable.
    Enabled,
    /// Switched off.
    Disabled,
    /// Waits for its end.
    PendingDeletion,
    /// Waits for the end of its replicas.
    PendingReplicaDeletion,
    /// Waits for imported material.
    PendingImport,
    /// Its key store is away; no key of this build can be in it.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "a column of the matrix that waits for custom key stores"
        )
    )]
    Unavailable,
    /// Being made.
    Creating,
    /// Changing its role.
    Updating,
}

impl KeyState {
    /// The state without its details.
    pub(crate) fn name(&self) -> StateName {
        match self {
            Self::Enabled => StateName::Enabled,
            Self::Disabled => StateName::Disabled,
            Self::PendingDeletion { .. } => StateName::PendingDeletion,
            Self::PendingReplicaDeletion { .. } => StateName::PendingReplicaDeletion,
            Self::Creating => StateName::Creating,
            Self::Updating { .. } => StateName::Updating,
            Self::PendingImport => StateName::PendingImport,
        }
    }

    /// AWS's word for it.
    pub(crate) fn text(&self) -> &'static str {
        self.name().text()
    }
}

impl StateName {
    /// AWS's word for it (K-036).
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion => "PendingDeletion",
            Self::PendingReplicaDeletion => "PendingReplicaDeletion",
            Self::PendingImport => "PendingImport",
            Self::Unavailable => "Unavailable",
            Self::Creating => "Creating",
            Self::Updating => "Updating",
        }
    }
}

/// A cell of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Succeeds.
    Ok,
    /// [1] DisabledException.
    Disabled,
    /// [3] KMSInvalidStateException, pending deletion.
    Pending,
    /// [4] KMSInvalidStateException, not pending deletion.
    NotPending,
    /// [5] KMSInvalidStateException, pending import.
    Import,
    /// [11] KMSInvalidStateException, unavailable.
    Unavailable,
    /// [14] KMSInvalidStateException, creating.
    Creating,
    /// [15] KMSInvalidStateException, updating.
    Updating,
    /// Succeeds, but [6] UnsupportedOperationException for an imported key.
    NotImported,
    /// Succeeds, but [9] UnsupportedOperationException for a key that cannot be imported.
    Imported,
    /// [8] KMSInvalidStateException, pending deletion, or [9] as before.
    PendingImported,
    /// [7] UnsupportedOperationException: not for keys in a custom key store.
    CustomStore,
}

impl Cell {
    /// The refusal that this cell means for the key `arn` of this origin.
    pub(crate) fn check(self, arn: &str, origin: Origin) -> Result<(), KmsError> {
        let arn = || arn.to_owned();
        let imported = origin == Origin::External;
        Err(match self {
            Self::Ok => return Ok(()),
            Self::NotImported if !imported => return Ok(()),
            Self::Imported if imported => return Ok(()),
            Self::PendingImported if imported => KmsError::PendingDeletion(arn()),
            Self::NotImported | Self::Imported | Self::PendingImported => {
                KmsError::WrongOrigin(arn(), origin.text())
            }
            Self::CustomStore => {
                KmsError::Unsupported(format!("{} is in a custom key store.", arn()))
            }
            Self::Disabled => KmsError::Disabled(arn()),
            Self::Pending => KmsError::PendingDeletion(arn()),
            Self::NotPending => KmsError::NotPendingDeletion(arn()),
            Self::Import => KmsError::PendingImport(arn()),
            Self::Unavailable => KmsError::Unavailable(arn()),
            Self::Creating => KmsError::Creating(arn()),
            Self::Updating => KmsError::Updating(arn()),
        })
    }
}

/// A row of the matrix: what an operation does by the state of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// CancelKeyDeletion.
    CancelDeletion,
    /// CreateAlias.
    CreateAlias,
    /// CreateGrant.
    CreateGrant,
    /// Encrypt, Decrypt, ReEncrypt, GenerateDataKey(WithoutPlaintext). Data key pairs too: their
    /// row differs for keys in a custom key store only, and there are none.
    Cryptography,
    /// Sign, Verify, GenerateMac, VerifyMac, DeriveSharedSecret; Encapsulate and Decapsulate too.
    Signing,
    /// GetPublicKey (K-056).
    GetPublicKey,
    /// What works in every state (K-055).
    Anytime,
    /// EnableKey, DisableKey.
    Switch,
    /// ReplicateKey.
    Replicate,
    /// UpdatePrimaryRegion.
    UpdatePrimary,
    /// ScheduleKeyDeletion.
    ScheduleDeletion,
    /// TagResource, UntagResource, UpdateKeyDescription.
    Describe,
    /// UpdateAlias: the key that it will stand for.
    UpdateAlias,
    /// DeleteImportedKeyMaterial.
    DeleteMaterial,
    /// GetParametersForImport.
    ImportParameters,
    /// ImportKeyMaterial.
    ImportMaterial,
    /// EnableKeyRotation, DisableKeyRotation.
    SwitchRotation,
    /// GetKeyRotationStatus.
    RotationStatus,
    /// ListKeyRotations.
    ListRotations,
    /// RotateKeyOnDemand.
    RotateOnDemand,
}

/// The matrix. Columns: Enabled, Disabled, PendingDeletion and PendingReplicaDeletion,
/// PendingImport, Unavailable, Creating, Updating. `Ok` also stands where the page says that a
/// combination cannot occur.
const MATRIX: &[(Use, [Cell; 7])] = {
    use Cell::{
        Creating as C14, Disabled as D1, Import as I5, NotPending as N4, Ok, Pending as P3,
    };
    use Cell::{CustomStore as S7, Imported as I9, NotImported as N6, PendingImported as P9};
    use Cell::{Unavailable as U11, Updating as U15};
    &[
        (Use::CancelDeletion, [N4, N4, Ok, N4, N4, N4, N4]),
        (Use::CreateAlias, [Ok, Ok, P3, Ok, Ok, Ok, Ok]),
        (Use::CreateGrant, [Ok, D1, P3, I5, Ok, C14, Ok]),
        (Use::Cryptography, [Ok, D1, P3, I5, U11, C14, Ok]),
        (Use::Signing, [Ok, D1, P3, I5, Ok, C14, Ok]),
        (Use::GetPublicKey, [Ok, Ok, P3, Ok, Ok, C14, Ok]),
        (Use::Anytime, [Ok, Ok, Ok, Ok, Ok, Ok, Ok]),
        (Use::Switch, [Ok, Ok, P3, I5, Ok, C14, U15]),
        (Use::Replicate, [Ok, D1, P3, I5, Ok, C14, U15]),
        (Use::UpdatePrimary, [Ok, D1, P3, I5, Ok, C14, Ok]),
        (Use::ScheduleDeletion, [Ok, Ok, P3, Ok, Ok, Ok, U15]),
        (Use::Describe, [Ok, Ok, P3, Ok, Ok, Ok, Ok]),
        (Use::UpdateAlias, [Ok, Ok, P3, Ok, Ok, Ok, Ok]),
        (Use::DeleteMaterial, [I9, I9, I9, I9, Ok, C14, U15]),
        (Use::ImportParameters, [I9, I9, P9, I9, I9, C14, U15]),
        (Use::ImportMaterial, [I9, I9, P9, I9, I9, C14, I9]),
        (Use::SwitchRotation, [N6, D1, P3, N6, S7, C14, N6]),
        (Use::RotationStatus, [Ok, Ok, Ok, N6, S7, Ok, Ok]),
        (Use::ListRotations, [Ok, Ok, Ok, Ok, S7, Ok, Ok]),
        (Use::RotateOnDemand, [Ok, D1, P3, I5, S7, C14, Ok]),
    ]
};

/// What `operation` does to a key in `state`.
pub(crate) fn cell(operation: Use, state: StateName) -> Cell {
    let column = match state {
        StateName::Enabled => 0,
        StateName::Disabled => 1,
        StateName::PendingDeletion | StateName::PendingReplicaDeletion => 2,
        StateName::PendingImport => 3,
        StateName::Unavailable => 4,
        StateName::Creating => 5,
        StateName::Updating => 6,
    };
    let row = MATRIX.iter().find(|(row, _)| *row == operation);
    row.map(|(_, cells)| cells[column])
        .expect("every operation has its row")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    const COLUMNS: [StateName; 8] = [
        StateName::Enabled,
        StateName::Disabled,
        StateName::PendingDeletion,
        StateName::PendingReplicaDeletion,
        StateName::PendingImport,
        StateName::Unavailable,
        StateName::Creating,
        StateName::Updating,
    ];

    /// The documentation's page (section 2.1 of the facts), typed a second time as it prints.
    const PAGE: &[(Use, [&str; 8])] = &[
        (
            Use::DeleteMaterial,
            ["?9", "?9", "?9", "?9", "?9", "", "14", "15"],
        ),
        (
            Use::ImportParameters,
            ["?9", "?9", "8or9", "8or9", "?9", "?9", "14", "15"],
        ),
        (
            Use::ImportMaterial,
            ["?9", "?9", "8or9", "8or9", "?9", "?9", "14", "?9"],
        ),
        (Use::CancelDeletion, ["4", "4", "", "", "4", "4", "4", "4"]),
        (Use::CreateAlias, ["", "", "3", "3", "", "", "", ""]),
        (Use::CreateGrant, ["", "1", "3", "3", "5", "", "14", ""]),
        (Use::Cryptography, ["", "1", "3", "3", "5", "11", "14", ""]),
        (Use::Signing, ["", "1", "3", "3", "5", "", "14", ""]),
        (Use::GetPublicKey, ["", "", "3", "3", "", "", "14", ""]),
        (Use::Anytime, ["", "", "", "", "", "", "", ""]),
        (Use::Switch, ["", "", "3", "3", "5", "", "14", "15"]),
        (Use::Replicate, ["", "1", "3", "3", "5", "", "14", "15"]),
        (Use::UpdatePrimary, ["", "1", "3", "3", "5", "", "14", ""]),
        (Use::ScheduleDeletion, ["", "", "3", "3", "", "", "", "15"]),
        (Use::Describe, ["", "", "3", "3", "", "", "", ""]),
        (Use::UpdateAlias, ["", "", "3", "3", "", "", "", ""]),
        (
            Use::SwitchRotation,
            ["?6", "1", "3", "3", "?6", "7", "14", "?6"],
        ),
        (Use::RotationStatus, ["", "", "", "", "?6", "7", "", ""]),
        (Use::ListRotations, ["", "", "", "", "", "7", "", ""]),
        (Use::RotateOnDemand, ["", "1", "3", "3", "5", "7", "14", ""]),
    ];

    /// K-049, K-050, K-051: code and exact text of each numbered form.
    fn form(number: &str, origin: Origin) -> Option<(&'static str, &'static str)> {
        let imported = origin == Origin::External;
        let unsupported = "UnsupportedOperationException";
        Some(match number {
            "" => return None,
            "?9" if imported => return None,
            "8or9" if imported => return form("3", origin),
            "?9" | "8or9" => (
                unsupported,
                "origin is AWS_KMS which is not valid for this operation.",
            ),
            "?6" if !imported => return None,
            "?6" => (
                unsupported,
                "origin is EXTERNAL which is not valid for this operation.",
            ),
            "7" => (unsupported, "is in a custom key store."),
            "1" => ("DisabledException", "is disabled."),
            "3" => (
                "KMSInvalidStateException",
                "is pending deletion (or pending replica deletion).",
            ),
            "4" => (
                "KMSInvalidStateException",
                "is not pending deletion (or pending replica deletion).",
            ),
            "5" => ("KMSInvalidStateException", "is pending import."),
            "11" => ("KMSInvalidStateException", "is unavailable."),
            "14" => ("KMSInvalidStateException", "is creating."),
            "15" => ("KMSInvalidStateException", "is updating."),
            other => panic!("form {other} is not in the facts"),
        })
    }

    #[test]
    fn k_036_to_k_057_every_cell_of_the_state_matrix() {
        assert_eq!(PAGE.len(), MATRIX.len());
        for (operation, cells) in PAGE {
            for (state, number) in COLUMNS.into_iter().zip(cells) {
                for origin in [Origin::AwsKms, Origin::External] {
                    let got = cell(*operation, state).check(ARN, origin).err();
                    let got = got.map(|error| (error.code(), error.to_string()));
                    let want =
                        form(number, origin).map(|(code, text)| (code, format!("{ARN} {text}")));
                    assert_eq!(got, want, "{operation:?} in {}", state.text());
                }
            }
        }
    }
}
