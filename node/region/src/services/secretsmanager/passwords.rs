//! GetRandomPassword.

use faultline_proto::secretsmanager::{GetRandomPasswordRequest, GetRandomPasswordResponse};

use super::error::Error;
use crate::context::Ctx;
use crate::refusal::Refusal;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// GetRandomPassword.
pub(super) fn random(
    ctx: &mut Ctx<'_>,
    request: GetRandomPasswordRequest,
) -> Result<GetRandomPasswordResponse, Refusal> {
    let length = usize::try_from(request.password_length.unwrap_or(32)).unwrap_or_default();
    let without = request.exclude_characters.unwrap_or_default();
    let kinds = [
        (LOWER, request.exclude_lowercase),
        (UPPER, request.exclude_uppercase),
        (DIGITS, request.exclude_numbers),
        (PUNCTUATION, request.exclude_punctuation),
        (" ", Some(request.include_space != Some(true))),
    ];
    let kinds: Vec<Vec<char>> = kinds
        .into_iter()
        .filter(|(_, excluded)| *excluded != Some(true))
        .map(|(kind, _)| kind.chars().filter(|one| !without.contains(*one)).collect())
        .filter(|kind: &Vec<char>| !kind.is_empty())
        .collect();
    if kinds.is_empty() {
        return Err(Error::request(
            "No characters are left to make a password of after the exclusions.",
        )
        .into());
    }
    let each = request.require_each_included_type.unwrap_or(true);
    if each && length < kinds.len() {
        return Err(Error::parameter(
            "The password length is too short based on the required types.",
        )
        .into());
    }
    let all: Vec<char> = kinds.concat();
    let mut password: Vec<char> = (0..length).map(|_| pick(ctx, &all)).collect();
    if each {
        // One of each kind, at places that the draw chooses.
        let mut places: Vec<usize> = (0..length).collect();
        for kind in &kinds {
            let at = places.remove(below(ctx, places.len()));
            if let Some(place) = password.get_mut(at) {
                *place = pick(ctx, kind);
            }
        }
    }
    Ok(GetRandomPasswordResponse {
        random_password: Some(password.into_iter().collect()),
    })
}

fn below(ctx: &mut Ctx<'_>, bound: usize) -> usize {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    let drawn = ctx.entropy().below("secretsmanager.password", bound);
    usize::try_from(drawn).unwrap_or_default()
}

fn pick(ctx: &mut Ctx<'_>, from: &[char]) -> char {
    let at = below(ctx, from.len());
    from.get(at).copied().unwrap_or(' ')
}
