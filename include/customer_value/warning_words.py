"""What a model warns of, by code, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterable

WORDS = {
    "few_repeat_buyers": (
        "Too few customers ordered again: the mean of the cohort instead of a model",
        "复购客户过少：以同期客户均值代替模型",
    ),
    "few_values": (
        "Too few repeat buyers with a known value: the cohort's mean order value",
        "有金额的复购客户过少：以同期客户的平均订单金额代替",
    ),
    "few_renewals": (
        "Too few renewal decisions: only what is agreed is counted",
        "续约决定过少：仅计入已签约部分",
    ),
    "few_renewals_of_term": (
        "Too few renewal decisions of this term: renewal as for all terms",
        "该期限的续约决定过少：按全部期限合并估计",
    ),
    "value_depends_on_frequency": (
        "Who orders often also spends more or less per order: the model assumes that they are unrelated",
        "下单频率与单次金额相关：与模型的独立性假设不符",
    ),
    "no_cost": ("No cost is known: values are revenue", "成本未知：金额为收入而非毛利"),
    "not_converged": ("The search for parameters did not end", "参数估计未收敛"),
    "flat_likelihood": (
        "The data do not tell all parameters apart: their standard errors are not known well",
        "数据不足以区分全部参数：标准误不可靠",
    ),
    "one_renewal_rate": (
        "Too few losses after a first renewal to tell customers apart: one renewal rate for all decisions",
        "首次续约后的流失过少，无法区分客户：各次续约采用同一比率",
    ),
    "no_loss": (
        "Nobody seems to stop ordering: the model is that of steady customers",
        "未见客户停止下单：按持续下单的客户建模",
    ),
    "infinite_mean": ("Order values have no finite mean in the model", "模型中订单金额均值不存在"),
    "worse_than_naive": (
        "In the back-test a single rate for all did better than the model",
        "回测中统一比率优于模型",
    ),
    "a_at_bound": ("A parameter lies at the end of its range", "参数位于取值边界"),
    "b_at_bound": ("All customers stop with the same probability", "所有客户的流失概率相同"),
    "r_at_bound": ("All customers order at the same rate", "所有客户的下单频率相同"),
    "alpha_at_bound": ("A parameter lies at the end of its range", "参数位于取值边界"),
    "beta_at_bound": ("All customers renew with the same probability", "所有客户的续约概率相同"),
    "p_at_bound": ("A customer's orders hardly differ in value", "同一客户的订单金额几乎相同"),
    "q_at_bound": ("Customers do not differ in the value of their orders", "客户之间的订单金额无差异"),
    "gamma_at_bound": ("A parameter lies at the end of its range", "参数位于取值边界"),
}


def joined(codes: Iterable[str]) -> str | None:
    """Codes, comma separated; None without any."""
    return ",".join(dict.fromkeys(codes)) or None


def in_words(codes: Iterable[str], chinese: bool = False) -> str | None:
    """Codes in words; None without any. A code without words stands as it is."""
    told = [WORDS.get(code, (code, code))[1 if chinese else 0] for code in dict.fromkeys(codes)]
    return ("；" if chinese else "; ").join(told) or None
