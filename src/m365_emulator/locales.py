"""Where people come from: their names in many scripts, towns and telephone numbers.

Raw material for the population, no rules. A name outside the Latin alphabet carries the spelling
of its mailbox behind a slash. Telephone numbers are from ranges set aside for fiction where a
country has them. Sources: Ofcom, Bundesnetzagentur, ARCEP and NANPA on numbers for drama use, read
2026-11.
"""

from dataclasses import dataclass

from m365_emulator.names import Name, latin


@dataclass(frozen=True, slots=True)
class Locale:
    """Where somebody comes from: names, town, and how telephone numbers are written there.

    In number patterns `#` is any digit. The national form begins with `trunk`.
    """

    language: str
    country: str
    country_name: str
    given: tuple[Name, ...]
    surnames: tuple[Name, ...]
    cities: tuple[str, ...]
    calling_code: str
    trunk: str
    landlines: tuple[str, ...]
    mobiles: tuple[str, ...]
    family_first: bool = False


def _names(text: str) -> tuple[Name, ...]:
    found = []
    for word in text.split():
        written, _, spelt = word.replace("_", " ").partition("/")
        found.append(Name(written, spelt or latin(written)))
    return tuple(found)


def _locale(
    language: str,
    country: str,
    country_name: str,
    given: str,
    surnames: str,
    cities: str,
    calling_code: str,
    landlines: str,
    mobiles: str,
    *,
    trunk: str = "0",
    family_first: bool = False,
) -> Locale:
    return Locale(
        language,
        country,
        country_name,
        _names(given),
        _names(surnames),
        tuple(cities.replace("_", " ").split("|")),
        calling_code,
        trunk,
        tuple(landlines.split("|")),
        tuple(mobiles.split("|")),
        family_first,
    )


LOCALES: tuple[Locale, ...] = (
    _locale(
        "en-GB",
        "GB",
        "United Kingdom",
        "Olivia Amelia Isla Ava Ivy Freya Lily Florence Mia Willow Rosie Sophia Isabella Grace "
        "Daisy Poppy Elsie Emily Evelyn Harper Oliver George Arthur Noah Muhammad Leo Oscar Harry "
        "Archie Jack Henry Charlie Freddie Theodore Thomas Alfie Jacob Isaac Siobhán Zoë",
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson "
        "Evans Walker White Roberts Green Hall Wood Harris Lewis Martin Jackson Clarke Turner Hill "
        "Scott Cooper Morris Ward Moore King Watson O'Neill O'Brien MacGregor St_John Fforbes",
        "London|Leeds|Manchester|Bristol|Edinburgh|Cardiff|Belfast",
        "44",
        "20 7946 0###|113 496 0###|114 496 0###|117 496 0###|121 496 0###|131 496 0###|"
        "151 496 0###|161 496 0###|191 498 0###|28 9649 6###|29 2018 0###",
        "7700 900###",
    ),
    _locale(
        "en-US",
        "US",
        "United States",
        "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara "
        "Richard Susan Joseph Jessica Christopher Karen Charles Sarah Daniel Lisa Matthew Nancy "
        "Anthony Sandra Mark Betty Ashley DeShawn Mary-Ann J.R.",
        "Johnson Miller Davis Garcia Rodriguez Wilson Martinez Anderson Thomas Hernandez Moore "
        "Martin Jackson Thompson White Lopez Lee Gonzalez Harris Clark Lewis Robinson Walker Perez "
        "Hall Young Allen Sanchez Wright King McDonald VanBuren Featherstonehaugh",
        "New_York|Chicago|Austin|Seattle|Denver|Boston",
        "1",
        "212 555 01##|312 555 01##|512 555 01##|206 555 01##|303 555 01##|617 555 01##|"
        "415 555 01##|713 555 01##|305 555 01##|602 555 01##",
        "917 555 01##|773 555 01##|737 555 01##|425 555 01##|720 555 01##|857 555 01##",
        trunk="",
    ),
    _locale(
        "de-DE",
        "DE",
        "Germany",
        "Emma Emilia Sophia Hannah Mia Lina Ella Lea Leni Clara Jürgen Günther Jörg Sören Björn "
        "Käthe Anneliese Hans-Peter Karl-Heinz Lukas Finn Jonas Felix Elias Paul Leon Maximilian "
        "Anton Ben Luis Ulrike Friederike",
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch "
        "Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hartmann "
        "Lange Schmitt Werner Krause Weiß Großmann Preuß von_der_Heide Müller-Lüdenscheidt",
        "Berlin|Hamburg|München|Köln|Frankfurt_am_Main",
        "49",
        "30 23125 ###|69 90009 ###|40 66969 ###|221 4710 ###|89 99998 ###",
        "152 28817386|171 39200##|176 040690##|172 99259##",
    ),
    _locale(
        "fr-FR",
        "FR",
        "France",
        "Léa Manon Chloé Camille Inès Zoé Éloïse Anaïs Héloïse Agnès François Jérôme Loïc Benoît "
        "Gaël Rémi Thérèse Noël Jean-François Marie-Thérèse Hugo Louis Gabriel Raphaël Jules Adam",
        "Martin Bernard Dubois Durand Moreau Laurent Lefèvre Léger Gauthier Chevalier Lemaître "
        "Françoise Hébert Renaud D'Artois de_La_Tour Bélanger Côté Prévost Château N'Diaye "
        "Faure Mercier Girard Bonnet Dupont Fontaine",
        "Paris|Lyon|Marseille|Bordeaux|Nantes",
        "33",
        "1 99 00 ## ##|2 61 91 ## ##|3 53 01 ## ##|4 65 71 ## ##|5 36 49 ## ##",
        "6 39 98 ## ##",
    ),
    _locale(
        "es-ES",
        "ES",
        "Spain",
        "María Lucía Sofía Martín Hugo Mateo Íñigo Ángel José Jesús Begoña Iñaki Nuria Raúl Óscar "
        "Inés Pilar Álvaro Javier Carmen Rocío Andrés",
        "García Rodríguez Fernández González López Martínez Sánchez Pérez Gómez Martín Jiménez "
        "Hernández Díaz Moreno Muñoz Álvarez Romero Núñez Peña García_Márquez Ortega_y_Gasset",
        "Madrid|Barcelona|Sevilla|Bilbao",
        "34",
        "910 ### ###|930 ### ###|954 ### ###",
        "600 ### ###|655 ### ###",
        trunk="",
    ),
    _locale(
        "it-IT",
        "IT",
        "Italy",
        "Sofia Aurora Giulia Ginevra Niccolò Leonardo Francesco Lorenzo Alessandro Tommaso Chiara "
        "Beatrice Andrea Luca Matteo Nicolò Maria_Grazia",
        "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti "
        "D'Angelo De_Luca Costa Giordano Mancini Rizzo Dell'Acqua Nicolò",
        "Milano|Roma|Torino|Napoli",
        "39",
        "06 5555 ####|02 5555 ####|011 555 ###",
        "333 555 ####",
        trunk="",
    ),
    _locale(
        "pl-PL",
        "PL",
        "Poland",
        "Zofia Julia Małgorzata Łukasz Paweł Michał Świętosława Grzegorz Agnieszka Jędrzej Żaneta "
        "Wojciech Krzysztof Bożena Stanisław",
        "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański "
        "Woźniak Dąbrowski Kozłowski Jankowski Mazur Krawczyk Brzęczyszczykiewicz Żółć",
        "Warszawa|Kraków|Gdańsk|Łódź",
        "48",
        "22 555 ## ##|12 555 ## ##|58 555 ## ##",
        "501 555 ###|602 555 ###",
        trunk="",
    ),
    _locale(
        "cs-CZ",
        "CZ",
        "Czechia",
        "Jiří Tomáš Ondřej Zdeněk Kateřina Tereza Eliška Šárka Řehoř Bořivoj Anežka Vojtěch Žofie",
        "Novák Svoboda Novotný Dvořák Černý Procházka Kučera Veselý Horák Němec Pokorný Říha "
        "Dvořáková Svobodová Příhoda",
        "Praha|Brno|Ostrava",
        "420",
        "225 555 ###|541 555 ###",
        "601 555 ###",
        trunk="",
    ),
    _locale(
        "sv-SE",
        "SE",
        "Sweden",
        "Åsa Örjan Märta Björn Göran Sören Elsa Astrid Nils Lars Pär Håkan Maja Alva Vera",
        "Andersson Johansson Karlsson Nilsson Eriksson Larsson Öberg Åkesson Sjöström Bergström "
        "Lindqvist Ångström Nyström Hällström",
        "Stockholm|Göteborg|Malmö",
        "46",
        "31 390 06 ##|40 628 04 ##|8 465 004 ##",
        "70 174 06 ##",
    ),
    _locale(
        "is-IS",
        "IS",
        "Iceland",
        "Guðrún Þórður Sigríður Ægir Jón Kristín Halldór Björk Ólafur Þóra",
        "Jónsson Guðmundsdóttir Þorsteinsson Sigurðardóttir Ólafsson Einarsdóttir Magnússon",
        "Reykjavík|Akureyri",
        "354",
        "555 ####",
        "695 ####",
        trunk="",
    ),
    _locale(
        "tr-TR",
        "TR",
        "Türkiye",
        "Işıl Ayşe Çağlar Özgür Gül İbrahim Şule Yiğit Barış Deniz Umut Ümit Doğan Ece",
        "Yılmaz Kaya Demir Şahin Çelik Yıldız Öztürk Aydın Özdemir Arslan Doğan Kılıç Çetin Güneş "
        "Ağaoğlu İnan",
        "İstanbul|Ankara|İzmir",
        "90",
        "212 555 ## ##|312 555 ## ##",
        "532 555 ## ##",
    ),
    _locale(
        "hu-HU",
        "HU",
        "Hungary",
        "Zsófia Győző Ágnes Éva Ödön Gábor Balázs Orsolya Mátyás Kinga Bence Csilla",
        "Nagy Kovács Tóth Szabó Horváth Varga Kiss Molnár Németh Farkas Győri Kőszegi Erdős",
        "Budapest|Debrecen",
        "36",
        "1 555 ####",
        "20 555 ####",
        trunk="06",
        family_first=True,
    ),
    _locale(
        "pt-BR",
        "BR",
        "Brazil",
        "João Conceição Antônio Luís Mônica Patrícia Vinícius Thaís Débora Flávio Otávio Ângela",
        "Silva Santos Oliveira Souza Gonçalves Araújo Conceição Assunção Simões Magalhães "
        "dos_Santos da_Silva de_Oliveira Falcão",
        "São_Paulo|Rio_de_Janeiro|Brasília",
        "55",
        "11 3555 ####|21 3555 ####",
        "11 95555 ####|21 95555 ####",
    ),
    _locale(
        "vi-VN",
        "VN",
        "Vietnam",
        "Anh Bình Dũng Hương Linh Minh Ngọc Phương Quốc Thảo Tuấn Việt",
        "Nguyễn Trần Lê Phạm Hoàng Phan Vũ Đặng Bùi Đỗ Hồ Ngô",
        "Hà_Nội|Đà_Nẵng",
        "84",
        "24 3555 ####",
        "91 555 ####",
        family_first=True,
    ),
    _locale(
        "ro-RO",
        "RO",
        "Romania",
        "Ștefan Ioana Mihăiță Ilinca Crăița Răzvan Bogdan Țuțu Andreea Mădălina",
        "Popescu Ionescu Văcărescu Țepeș Stănescu Brâncuși Enăchescu Șerban Constantinescu",
        "București|Cluj-Napoca|Iași",
        "40",
        "21 555 ####",
        "721 555 ###",
    ),
    _locale(
        "uk-UA",
        "UA",
        "Ukraine",
        "Оксана/oksana Тарас/taras Ярослава/yaroslava Богдан/bohdan Єлизавета/yelyzaveta Ігор/ihor "
        "Їжакевич/yizhakevych Зоряна/zoriana Дмитро/dmytro Соломія/solomiia",
        "Шевченко/shevchenko Коваленко/kovalenko Бондаренко/bondarenko Ткаченко/tkachenko "
        "Кравчук/kravchuk Мельник/melnyk Щербак/shcherbak Гнатюк/hnatiuk",
        "Київ|Львів",
        "380",
        "44 555 ####",
        "67 555 ####",
    ),
    _locale(
        "bg-BG",
        "BG",
        "Bulgaria",
        "Георги/georgi Иван/ivan Мария/maria Цветелина/tsvetelina Йордан/yordan Стоян/stoyan "
        "Любомира/lyubomira Николай/nikolay",
        "Димитров/dimitrov Иванов/ivanov Георгиев/georgiev Петрова/petrova Стоянова/stoyanova "
        "Железов/zhelezov Щерев/shterev",
        "София|Пловдив",
        "359",
        "2 555 ####",
        "88 555 ####",
    ),
    _locale(
        "el-GR",
        "GR",
        "Greece",
        "Γιώργος/giorgos Ελένη/eleni Κωνσταντίνος/konstantinos Αικατερίνη/aikaterini "
        "Δημήτρης/dimitris Ιωάννα/ioanna Χρήστος/christos Ευαγγελία/evangelia",
        "Παπαδόπουλος/papadopoulos Παππάς/pappas Καραγιάννης/karagiannis Οικονόμου/oikonomou "
        "Γεωργίου/georgiou Αντωνίου/antoniou Βλάχος/vlachos",
        "Αθήνα|Θεσσαλονίκη",
        "30",
        "210 555 ####|2310 55####",
        "694 555 ####",
        trunk="",
    ),
    _locale(
        "ar-AE",
        "AE",
        "United Arab Emirates",
        "محمد/mohammed فاطمة/fatima عبد_الرحمن/abdulrahman نورة/noura خالد/khalid مريم/maryam "
        "يوسف/yousef ليلى/layla",
        "الهاشمي/alhashimi المنصوري/almansoori النعيمي/alnuaimi السويدي/alsuwaidi الكعبي/alkaabi "
        "المزروعي/almazrouei",
        "دبي|أبوظبي",
        "971",
        "4 555 ####|2 555 ####",
        "50 555 ####",
    ),
    _locale(
        "he-IL",
        "IL",
        "Israel",
        "נועם/noam תמר/tamar איתי/itay שירה/shira דוד/david יעל/yael אביגיל/avigail עומר/omer",
        "כהן/cohen לוי/levi מזרחי/mizrahi פרץ/peretz ביטון/biton אברהם/avraham פרידמן/friedman",
        "תל_אביב|חיפה",
        "972",
        "3 555 ####|4 855 ####",
        "50 555 ####",
    ),
    _locale(
        "zh-CN",
        "CN",
        "China",
        "伟/wei 芳/fang 秀英/xiuying 敏/min 静/jing 磊/lei 洋/yang 艳/yan 勇/yong 子涵/zihan",
        "王/wang 李/li 张/zhang 刘/liu 陈/chen 杨/yang 赵/zhao 黄/huang 欧阳/ouyang 司马/sima",
        "上海|北京|深圳",
        "86",
        "21 5555 ####|10 5555 ####",
        "138 0555 ####",
        family_first=True,
    ),
    _locale(
        "ja-JP",
        "JP",
        "Japan",
        "翔太/shota 陽菜/hina さくら/sakura 健一/kenichi 美咲/misaki 大輔/daisuke 結衣/yui "
        "アンナ/anna 一郎/ichiro",
        "佐藤/sato 鈴木/suzuki 高橋/takahashi 田中/tanaka 渡辺/watanabe 伊藤/ito 山本/yamamoto "
        "斎藤/saito 齋藤/saito 髙橋/takahashi",
        "東京|大阪|名古屋",
        "81",
        "3 5555 ####|6 6555 ####",
        "90 5555 ####",
        family_first=True,
    ),
    _locale(
        "ko-KR",
        "KR",
        "South Korea",
        "민준/minjun 서연/seoyeon 지우/jiwoo 하은/haeun 도윤/doyun 예준/yejun 지훈/jihun",
        "김/kim 이/lee 박/park 최/choi 정/jung 강/kang 조/cho 윤/yoon 남궁/namgung",
        "서울|부산",
        "82",
        "2 555 ####|51 555 ####",
        "10 5555 ####",
        family_first=True,
    ),
    _locale(
        "th-TH",
        "TH",
        "Thailand",
        "สมชาย/somchai สุดา/suda ปิยะ/piya อรุณ/arun มาลี/malee ณัฐพล/nattapon กมลวรรณ/kamonwan",
        "ใจดี/jaidee แสงทอง/saengthong ศรีสุข/srisuk วงศ์สวัสดิ์/wongsawat รัตนากร/rattanakorn",
        "กรุงเทพมหานคร|เชียงใหม่",
        "66",
        "2 555 ####",
        "81 555 ####",
    ),
    _locale(
        "hi-IN",
        "IN",
        "India",
        "अंजलि/anjali राहुल/rahul प्रिया/priya विक्रम/vikram दीपिका/deepika अर्जुन/arjun Lakshmi Venkat",
        "शर्मा/sharma वर्मा/verma गुप्ता/gupta सिंह/singh अय्यर/iyer Subramanian Chatterjee",
        "मुंबई|बेंगलुरु|Chennai",
        "91",
        "22 5555 ####|80 5555 ####",
        "98555 #####",
    ),
    _locale(
        "ka-GE",
        "GE",
        "Georgia",
        "გიორგი/giorgi ნინო/nino თამარ/tamar ლევან/levan მარიამ/mariam",
        "ბერიძე/beridze კაპანაძე/kapanadze გელაშვილი/gelashvili მაისურაძე/maisuradze",
        "თბილისი|ბათუმი",
        "995",
        "32 255 ####",
        "555 ## ## ##",
    ),
)
BY_COUNTRY = {locale.country: locale for locale in LOCALES}
