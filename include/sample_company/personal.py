"""Made-up names, addresses, numbers and texts; none can be a real person's.

Mail domains are reserved for examples, telephone numbers begin with 160, which is not given out.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.sample_company.customers import EMAIL, EXTERNAL_ID, NONE, PHONE, Customers, People
from include.sample_company.export_text import ids, labels, picked
from include.sample_company.nights import Ints

CUSTOMER_PREFIX, USER_PREFIX, CONTACT_PREFIX, TICKET_PREFIX = "K", "U", "C", "GD"
ASSET_PREFIX = "SB"
FIRST_NUMBER = 100_001
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
GIVEN = (
    "一凡",
    "子墨",
    "雨桐",
    "浩然",
    "欣怡",
    "宇轩",
    "思远",
    "梓涵",
    "嘉宁",
    "天佑",
    "若溪",
    "明哲",
    "静怡",
    "文博",
    "晓晨",
    "佳琪",
)
PLACES = ("华东", "华南", "华北", "华中", "西南", "东北")
COMPANY_WORDS = ("示例机械", "样本商贸", "示例医疗", "样本教育", "示例物流", "样本制造")
SUBJECTS = (
    "设备无法启动",
    "安装预约",
    "显示故障代码 E07, 请处理",
    "发票信息有误",
    "Unit is not cooling",
    "配件缺失",
    "How do I reset the lock?",
    "退换货申请",
)
DESCRIPTIONS = (
    "设备昨晚开始报警，请尽快安排。",
    "客户反映噪音大，\n已拍照。",
    'The panel shows "E07" after restart.',
    "请回电 16012345678 或发邮件 wang.test@example.com 。",
    "收货地址有变，请联系 160-0000-1234，谢谢。",
    "登记证件 990000199003070013 以便上门安装。",
    "退款卡号 4111 1111 1111 1111，请核对。",
    "使用中突然断电，重启后恢复。",
)
PERSONAL_DESCRIPTIONS = (3, 4, 5, 6)
AGENT_WORDS = (
    "您好，已为您登记，请稍候。",
    "We are looking into it.",
    "师傅明天上午上门。",
    "已处理完成，请确认。",
)
CUSTOMER_WORDS = ("还是不行。", "好的，等您回复。", "Please hurry.", "我的电话是 16000004321", "谢谢！")
OPEN_ANSWERS = (
    "师傅很专业，问题一次解决。",
    "响应太慢，等了大半天。",
    "态度不错，就是流程复杂。",
    "Quick and friendly service.",
    "Had to explain my problem three times.",
    "配件价格偏高",
    "希望能看到处理进度。",
    "客服不专业，答非所问！",
    "请联系我 16000009876",
    "没有意见",
)
ACTIONS = ("已道歉并解释原因", "已安排工程师复检", "已补发配件", "已反馈质检部门")
CALL_NOTES = ("客户表示满意", "客户要求改到 16000007654 联系", "噪音仍在，继续观察", "Customer asks for an invoice.")
REASONS = ("等太久", "没有解决问题", "态度差", "费用不透明")


def customer_numbers(customers: Ints) -> pa.Array:
    """CRM ids."""
    return ids(CUSTOMER_PREFIX, np.where(customers >= 0, customers + FIRST_NUMBER, -1))


def user_numbers(people: Ints) -> pa.Array:
    """Requester ids of the ticket system."""
    return ids(USER_PREFIX, np.where(people >= 0, people + FIRST_NUMBER, -1))


def contact_numbers(people: Ints) -> pa.Array:
    """Contact ids of the survey tool."""
    return ids(CONTACT_PREFIX, np.where(people >= 0, people + FIRST_NUMBER, -1))


def ticket_numbers(tickets: Ints) -> pa.Array:
    """Ticket ids."""
    return ids(TICKET_PREFIX, np.where(tickets >= 0, tickets + 10 * FIRST_NUMBER, -1))


def asset_numbers(assets: Ints) -> pa.Array:
    """Machine ids of the field-service system."""
    return ids(ASSET_PREFIX, np.where(assets >= 0, assets + FIRST_NUMBER, -1))


def person_names(numbers: Ints) -> pa.Array:
    """Names of people, put together from lists."""
    surname = labels(numbers * 7 % len(SURNAMES), list(SURNAMES))
    given = labels(numbers * 11 % len(GIVEN), GIVEN)
    return pc.binary_join_element_wise(surname, given, "")


def customer_names(customers: Customers) -> pa.Array:
    """Names of companies and people."""
    numbers = np.arange(len(customers))
    place = labels(customers.region, PLACES)
    word = labels(customers.industry, COMPANY_WORDS)
    company = pc.binary_join_element_wise(place, word, ids("", numbers + 1), pa.scalar("有限公司"), "")
    return picked(customers.is_person, person_names(numbers), company)


def customer_emails(customers: Customers) -> pa.Array:
    """The address that the CRM knows; two customers of a shared mailbox have the same."""
    own = ids("kh", np.arange(len(customers)) + FIRST_NUMBER)
    shared = ids("office", customers.shared_mailbox)
    name = picked(customers.shared_mailbox >= 0, shared, own)
    return pc.binary_join_element_wise(name, pa.scalar("@example.com"), "")


def customer_phones(numbers: Ints) -> pa.Array:
    """Telephone numbers of customers in the CRM: eleven digits."""
    return ids("1601", numbers + 1_000_000)


def private_phones(people: Ints) -> pa.Array:
    """Telephone numbers that the CRM does not know."""
    return ids("1605", people + 1_000_000)


def private_emails(people: Ints) -> pa.Array:
    """Addresses that the CRM does not know."""
    return pc.binary_join_element_wise(ids("u", people + FIRST_NUMBER), pa.scalar("@example.net"), "")


def _respelled_phones(phones: pa.Array) -> pa.Array:
    """The same numbers as other people type them: +86 160-1100-0001."""
    spaced = pc.replace_substring_regex(phones, r"^(\d{3})(\d{4})(\d{4})$", r"+86 \1-\2-\3")
    return picked(np.arange(len(phones)) % 3 == 0, spaced, phones)


def _respelled_emails(emails: pa.Array) -> pa.Array:
    upper = pc.binary_join_element_wise(pa.scalar(" "), pc.utf8_upper(emails), "")
    return picked(np.arange(len(emails)) % 4 == 0, upper, emails)


def _known_emails(customers: Customers, people: People) -> pa.Array:
    """The address a person writes from: that in the CRM, or a private one."""
    in_crm = people.is_primary & ((people.desk_method == EXTERNAL_ID) | (people.desk_method == EMAIL))
    in_crm |= customers.shared_mailbox[people.customer] >= 0
    own = customer_emails(customers).take(pa.array(people.customer))
    return picked(in_crm, own, private_emails(np.arange(len(people))))


def _known_phones(people: People) -> pa.Array:
    in_crm = people.is_primary & ((people.desk_method == EXTERNAL_ID) | (people.desk_method == PHONE))
    return picked(in_crm, customer_phones(people.customer), private_phones(np.arange(len(people))))


def desk_identities(customers: Customers, people: People) -> dict[str, pa.Array]:
    """external_id, email and phone of every requester, such that each joins by its own method."""
    method = people.desk_method
    nobody = pa.nulls(len(people), pa.string())
    return {
        "external_id": picked(method == EXTERNAL_ID, customer_numbers(people.customer), nobody),
        "email": _respelled_emails(_known_emails(customers, people)),
        "phone": picked(method == EMAIL, nobody, _respelled_phones(_known_phones(people))),
    }


def survey_identities(customers: Customers, people: People) -> dict[str, pa.Array]:
    """external_id, email and phone of every contact, such that each joins by its own method."""
    method = people.survey_method
    nobody = pa.nulls(len(people), pa.string())
    reach_by_phone = method == PHONE
    in_crm = people.is_primary & (people.desk_method != NONE)
    phones = picked(in_crm, customer_phones(people.customer), private_phones(np.arange(len(people))))
    elsewhere = pc.binary_join_element_wise(ids("s", np.arange(len(people))), pa.scalar("@example.org"), "")
    emails = picked(method == NONE, elsewhere, _known_emails(customers, people))
    return {
        "external_id": picked(method == EXTERNAL_ID, customer_numbers(people.customer), nobody),
        "email": picked(reach_by_phone, nobody, emails),
        "phone": picked(reach_by_phone, phones, nobody),
    }
