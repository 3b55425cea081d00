//! `sealed.wrap_key_material`: what the owner of key material does before an import.
//!
//! No call, no time, no link: nobody but the owner sees the material.

use faultline_sealed::Entropy as _;
use faultline_sealed::import::{WrapError, Wrapping};
use serde_json::{Value, json};

use super::Runner;
use super::ask::{Refusal, Said};
use super::problem::Trouble;
use super::verbs::Asked;
use crate::scenario::bytes;

/// Most bytes that are made here; a private key of RSA_4096 has about 2,400.
const MOST: u64 = 4_096;

impl Runner<'_> {
    /// Wraps the step's material, or some that is made here.
    pub(super) fn wrap_key_material(&self, asked: &Asked) -> Result<Said, Trouble> {
        let invalid = |text: &str| self.own("InvalidArguments", text);
        let arguments = &asked.arguments;
        let read = |member: &str| arguments[member].as_str().and_then(bytes::read);
        let public_key = read("public_key")
            .ok_or_else(|| invalid("`public_key` is not the bytes of a public key"))?;
        let algorithm = arguments["wrapping_algorithm"].as_str().unwrap_or_default();
        let mut chance = self.chance(asked);
        let material = match (read("key_material"), arguments["random"].as_u64()) {
            (Some(material), None) => material,
            (None, Some(length @ 1..=MOST)) => {
                let mut material = vec![0; usize::try_from(length).unwrap_or_default()];
                chance.fill("import.material", &mut material);
                material
            }
            _ => return Err(invalid("one of `key_material` and `random` is needed")),
        };
        self.secrets
            .borrow_mut()
            .add(&self.sim, "imported key material", &material);
        let wrapped = Wrapping::named(algorithm)
            .and_then(|wrapping| wrapping.wrap(&mut chance, &public_key, &material));
        Ok(Said {
            result: wrapped
                .map(|wrapped| {
                    json!({
                        "encrypted_key_material": bytes::written(&wrapped),
                        "key_material": bytes::written(&material),
                    })
                })
                .map_err(|error| self.not_wrapped(&error)),
            call: Value::Null,
        })
    }

    fn not_wrapped(&self, error: &WrapError) -> Refusal {
        Refusal::own(error.code(), error.to_string(), self.sim.now())
    }
}
