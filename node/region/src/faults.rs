//! The pipeline's fault stage: calls that an experiment refuses.

use faultline_proto::driving::fault;
use faultline_proto::tables::OperationDef;

use crate::context::Ctx;
use crate::refusal::Refusal;

/// Refuses the call when a fault in force says so; `touched` are the ARNs it wants.
///
/// # Errors
/// The fault's own error, marked with the fault's name.
pub(crate) fn stage(
    ctx: &mut Ctx<'_>,
    operation: &OperationDef,
    touched: &[String],
) -> Result<(), Refusal> {
    for fault in ctx.faults {
        let Some(fault::Effect::Refuse(refuse)) = &fault.effect else {
            continue;
        };
        let service = fault.service.is_empty() || fault.service == operation.service;
        let named =
            fault.operations.is_empty() || fault.operations.iter().any(|id| id == operation.id);
        let resource = fault.resource.is_empty() || touched.contains(&fault.resource);
        if !(service && named && resource) {
            continue;
        }
        if refuse.per > 1 && ctx.entropy.below("fault.chance", refuse.per) >= refuse.chance {
            continue;
        }
        if refuse.passes_per_second > 0 && passes(ctx, &fault.name, refuse.passes_per_second) {
            continue;
        }
        let status = u16::try_from(refuse.http_status).unwrap_or(400).max(400);
        let mut refusal =
            Refusal::new(refuse.code.clone(), refuse.message.clone()).with_status(status);
        refusal.fault = Some(fault.name.clone());
        return Err(refusal);
    }
    Ok(())
}

/// Whether the fault lets this call pass, as one of so many in the running second.
fn passes(ctx: &mut Ctx<'_>, fault: &str, per_second: u64) -> bool {
    let second = ctx.elapsed.0 / 1_000_000;
    let passed = ctx.caches.passed.entry(fault.to_owned()).or_default();
    if passed.0 != second {
        *passed = (second, 0);
    }
    passed.1 += 1;
    passed.1 <= per_second
}
