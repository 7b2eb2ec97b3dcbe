"""Small exports of systems that nobody has described yet, as people send them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

Rows = Sequence[Sequence[str]]


def write_csv(path: Path, rows: Rows, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """Write rows, the header first."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def chinese_tickets(folder: Path) -> Path:
    """Tickets in GB18030: a status that no vocabulary knows (2 rows), the 31st of June (1 row), hours, telephones."""
    header = (
        "服务单号,客户编号,客户姓名,联系电话,受理渠道,处理状态,紧急程度,建单时间,处理时长（小时）,是否投诉,机型颜色"
    )
    states = ["已办结", "处理中", "已关闭", "已转二线", "待客户回复", "已办结", "已办结", "已转二线"]
    rows = [
        [
            f"HL-{number}",
            f"C{number % 5}",
            "赵一一",
            f"1380000{number:04}",
            ["电话", "微信"][number % 2],
            state,
            ["低", "中", "高", "紧急"][number % 4],
            "2026/6/31 9:00" if number == 7 else f"2026/6/{number + 1} 8:05",
            "1.5",
            ["是", "否"][number % 2],
            "N/A" if number == 2 else "白",
        ]
        for number, state in enumerate(states)
    ]
    return write_csv(folder / "工单导出_20260630.csv", [header.split(","), *rows], "gb18030")


def english_customers(folder: Path, day_of: Sequence[int] = (1, 2, 3)) -> Path:
    """Customers between tabs; dates like 1/2/2025, whose second number is one of `day_of`."""
    header = ["Account ID", "Account Name", "E-mail", "Mobile", "Tier", "Type", "Registered", "Credit"]
    rows = [
        [
            f"A{number}",
            f"Person {number}",
            f"p{number}@example.com",
            f"1380000{number:04}",
            ["VIP", "Regular"][number % 2],
            ["Business", "Private"][number % 2],
            f"{number % 3 + 1}/{day_of[number % len(day_of)]}/2025",
            "1.234,50",
        ]
        for number in range(12)
    ]
    return write_csv(folder / "customers.csv", [header, *rows], delimiter="\t")


def chinese_survey(folder: Path) -> Path:
    """A survey tool's export: a title above the header, words, 0-10, options joined by ┋, free text, IP addresses."""
    header = "序号,提交答卷时间,所用时间,来源,来自IP,1、您对本次服务总体满意吗？,2、客服态度,3、响应速度,"
    header += "4、您有多大可能推荐我们？,5、联系过的渠道,6、您的意见或建议"
    words = ["非常满意", "满意", "一般", "不满意"]
    rows = [
        [
            str(number + 1),
            f"2026/6/{number + 1} 8:05:07",
            f"{60 + number}秒",
            ["微信", "短信"][number % 2],
            f"10.0.0.{number}",
            words[number % 4],
            [*words, "不适用"][number % 5],
            words[(number + 1) % 4],
            str(number % 11),
            ["电话┋微信", "微信┋门店", "电话"][number % 3],
            f"请再快一些 {number}" if number % 2 else "",
        ]
        for number in range(12)
    ]
    return write_csv(folder / "答卷_20260630.csv", [["售后满意度调查"], header.split(","), *rows], "utf-8-sig")


def english_survey(folder: Path) -> Path:
    """A survey with numbers: recommendation, satisfaction, two items (-99 is no answer), an open question."""
    header = ["ResponseId", "EndDate", "Duration (in seconds)", "Q1 How likely are you to recommend us?"]
    header += ["Q2 Overall satisfaction", "Q3 Quality", "Q4 Price", "Q5 Anything else?"]
    rows = [
        [
            f"R_{number}",
            f"2026-06-{number + 1:02} 10:00:00",
            "180",
            str(number % 11),
            str(number % 5 + 1),
            "-99" if number == 3 else str(number % 4 + 1),
            str(number % 5 + 1),
            f"hurry {number}",
        ]
        for number in range(12)
    ]
    return write_csv(folder / "survey.csv", [header, *rows], delimiter=";")
