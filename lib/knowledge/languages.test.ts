import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { disconnect } from "#lib/tenancy/database.ts"
import { type MadeTenant, makeBot, makeTenant, makeTextSource } from "#prisma/factories.ts"
import { searchKnowledge } from "./search.ts"

/** Passages by topic, questions by the topic that answers them in other forms of the words, and strangers. */
type Speech = { passages: Record<string, string>; asks: [string, string][]; strangers: string[] }

const speeches: Record<string, Speech> = {
  ja: {
    passages: {
      returns:
        "商品の到着後三十日以内であれば、未使用の商品を返品できます。返品の送料は当店が負担します。",
      shipping: "ご注文から二日以内に発送します。北海道と沖縄への配送には追加料金がかかります。",
      hours: "営業時間は平日の午前九時から午後六時までです。日曜日と祝日は休業です。",
      payment: "お支払いはクレジットカード、銀行振込、代金引換をご利用いただけます。",
    },
    asks: [
      ["返品は何日以内ですか?", "returns"],
      ["沖縄への送料はいくらですか?追加料金はありますか?", "shipping"],
      ["日曜日は営業していますか?", "hours"],
      ["クレジットカードで支払えますか?", "payment"],
    ],
    strangers: ["東京タワーの高さは何メートルですか?", "猫の飼い方を教えてください"],
  },
  ko: {
    passages: {
      returns:
        "상품을 받은 날부터 30일 이내에 사용하지 않은 상품을 반품할 수 있습니다. 반품 배송비는 저희가 부담합니다.",
      shipping: "주문 후 이틀 안에 발송합니다. 제주도 배송에는 추가 요금이 있습니다.",
      hours: "영업시간은 평일 오전 9시부터 오후 6시까지입니다. 일요일과 공휴일에는 쉽니다.",
      payment: "결제는 신용카드와 계좌이체로 하실 수 있습니다.",
    },
    asks: [
      ["반품은 며칠 안에 해야 하나요?", "returns"],
      ["제주도로 배송하면 요금이 더 드나요?", "shipping"],
      ["일요일에도 영업하나요?", "hours"],
      ["신용카드로 결제할 수 있나요?", "payment"],
    ],
    strangers: ["한라산의 높이는 얼마인가요?", "고양이는 무엇을 먹나요?"],
  },
  th: {
    passages: {
      returns: "คุณสามารถคืนสินค้าที่ยังไม่ได้ใช้ภายในสามสิบวันหลังจากได้รับสินค้า เราเป็นผู้จ่ายค่าส่งคืน",
      shipping: "เราจัดส่งสินค้าภายในสองวันหลังจากสั่งซื้อ การจัดส่งไปเกาะมีค่าใช้จ่ายเพิ่มเติม",
      hours: "ร้านเปิดวันจันทร์ถึงวันศุกร์ เวลาเก้าโมงเช้าถึงหกโมงเย็น ปิดวันอาทิตย์",
      payment: "ชำระเงินด้วยบัตรเครดิตหรือโอนเงินผ่านธนาคาร",
    },
    asks: [
      ["คืนสินค้าได้ภายในกี่วัน", "returns"],
      ["จัดส่งไปเกาะมีค่าใช้จ่ายเท่าไร", "shipping"],
      ["วันอาทิตย์ร้านเปิดไหม", "hours"],
      ["ใช้บัตรเครดิตได้ไหม", "payment"],
    ],
    strangers: ["ช้างแอฟริกาหนักกี่กิโลกรัม", "ใครเป็นผู้แต่งเพลงชาติญี่ปุ่น"],
  },
  hi: {
    passages: {
      returns:
        "आप सामान मिलने के तीस दिनों के भीतर बिना उपयोग की वस्तुएं वापस कर सकते हैं। वापसी का डाक खर्च हम देते हैं।",
      shipping: "हम ऑर्डर के दो दिन बाद सामान भेजते हैं। पहाड़ी इलाकों में डिलीवरी के लिए अतिरिक्त शुल्क लगता है।",
      hours: "दुकान सोमवार से शनिवार सुबह नौ बजे से शाम छह बजे तक खुलती है। रविवार को बंद रहती है।",
      payment: "भुगतान क्रेडिट कार्ड या बैंक ट्रांसफर से किया जा सकता है।",
    },
    asks: [
      ["वस्तु वापस करने के लिए कितने दिन मिलते हैं?", "returns"],
      ["पहाड़ी इलाके में डिलीवरी का शुल्क क्या है?", "shipping"],
      ["क्या रविवार को दुकान खुली है?", "hours"],
      ["क्या मैं क्रेडिट कार्ड से भुगतान कर सकता हूँ?", "payment"],
    ],
    strangers: ["ताजमहल किसने बनवाया था?", "हाथी का वजन कितना होता है?"],
  },
  ru: {
    passages: {
      returns:
        "Неиспользованный товар можно вернуть в течение тридцати дней после получения. Обратную пересылку оплачиваем мы.",
      shipping:
        "Мы отправляем заказы в течение двух дней. Доставка на острова оплачивается отдельно.",
      hours:
        "Магазин работает с понедельника по субботу с девяти до восемнадцати. В воскресенье закрыто.",
      payment: "Оплатить покупку можно банковской картой или переводом.",
    },
    asks: [
      ["Сколько дней на возврат товаров?", "returns"],
      ["Сколько стоит доставка заказа на остров?", "shipping"],
      ["Работаете ли вы по воскресеньям?", "hours"],
      ["Можно ли платить картами?", "payment"],
    ],
    strangers: ["Кто написал роман о Карениной?", "Какая высота у Эльбруса?"],
  },
  el: {
    passages: {
      returns:
        "Μπορείτε να επιστρέψετε αχρησιμοποίητα προϊόντα μέσα σε τριάντα ημέρες από την παραλαβή. Τα έξοδα επιστροφής τα πληρώνουμε εμείς.",
      shipping:
        "Στέλνουμε τις παραγγελίες μέσα σε δύο ημέρες. Η αποστολή στα νησιά έχει πρόσθετη χρέωση.",
      hours:
        "Το κατάστημα είναι ανοιχτό Δευτέρα έως Σάββατο από τις εννέα έως τις έξι. Την Κυριακή είναι κλειστό.",
      payment: "Πληρώνετε με πιστωτική κάρτα ή με τραπεζική κατάθεση.",
    },
    asks: [
      ["Σε πόσες ημέρες μπορώ να επιστρέψω ένα προϊόν;", "returns"],
      ["Πόσο κοστίζει η αποστολή σε νησί;", "shipping"],
      ["ΕΙΝΑΙ ΑΝΟΙΧΤΑ ΤΗΝ ΚΥΡΙΑΚΗ;", "hours"],
      ["Μπορώ να πληρώσω με κάρτα;", "payment"],
    ],
    strangers: ["Ποιος έγραψε την Οδύσσεια;", "Πόσο ζυγίζει ένας ελέφαντας;"],
  },
  he: {
    passages: {
      returns:
        "אפשר להחזיר מוצר שלא נעשה בו שימוש בתוך שלושים יום מיום הקבלה. דמי המשלוח של ההחזרה עלינו.",
      shipping: "אנחנו שולחים הזמנות בתוך יומיים. משלוח לאילת כרוך בתוספת תשלום.",
      hours: "החנות פתוחה בימים ראשון עד חמישי מתשע עד שש. בשבת החנות סגורה.",
      payment: "התשלום בכרטיס אשראי או בהעברה בנקאית.",
    },
    asks: [
      ["תוך כמה ימים ניתן להחזיר את המוצר?", "returns"],
      ["כמה עולה המשלוח לאילת?", "shipping"],
      ["האם החנות פתוחה בשבת?", "hours"],
      ["אפשר לשלם בכרטיס אשראי?", "payment"],
    ],
    strangers: ["מי כתב את ההמנון?", "מה גובהו של החרמון?"],
  },
  fr: {
    passages: {
      returns:
        "Vous pouvez renvoyer les articles non utilisés dans les trente jours suivant la réception. Les frais de retour sont à notre charge.",
      shipping:
        "Nous expédions les commandes sous deux jours. La livraison en Corse entraîne un supplément.",
      hours:
        "La boutique est ouverte du lundi au samedi de neuf heures à dix-huit heures. Elle est fermée le dimanche.",
      payment: "Le règlement se fait par carte bancaire ou par virement.",
    },
    asks: [
      ["En combien de jours puis-je retourner l'article ?", "returns"],
      ["Combien coûte une livraison vers la Corse ?", "shipping"],
      ["Etes-vous ouverts les dimanches ?", "hours"],
      ["Peut-on régler avec une carte ?", "payment"],
    ],
    strangers: ["Qui a peint la Joconde ?", "Quelle est la hauteur du mont Blanc ?"],
  },
  es: {
    passages: {
      returns:
        "Puede devolver los artículos sin usar en los treinta días siguientes a la recepción. Los gastos de devolución corren por nuestra cuenta.",
      shipping: "Enviamos los pedidos en dos días. El envío a Canarias tiene un recargo.",
      hours: "La tienda abre de lunes a sábado de nueve a seis. Los domingos está cerrada.",
      payment: "Se puede pagar con tarjeta de crédito o por transferencia.",
    },
    asks: [
      ["¿Cuántos días tengo para devolver un artículo?", "returns"],
      ["¿Cuanto cuestan los envios a Canarias?", "shipping"],
      ["¿Abrís el domingo?", "hours"],
      ["¿Aceptan tarjetas de crédito?", "payment"],
    ],
    strangers: ["¿Quién escribió el Quijote?", "¿Qué altura tiene el Teide?"],
  },
  it: {
    passages: {
      returns:
        "Gli articoli non usati si possono restituire entro trenta giorni dal ricevimento. Le spese di restituzione sono a nostro carico.",
      shipping:
        "Spediamo gli ordini entro due giorni. Per la spedizione in Sardegna c'è un supplemento.",
      hours:
        "Il negozio è aperto dal lunedì al sabato dalle nove alle diciotto. La domenica è chiuso.",
      payment: "Si paga con carta di credito o con bonifico.",
    },
    asks: [
      ["Entro quanti giorni posso restituire un articolo?", "returns"],
      ["Quanto costa spedire un ordine in Sardegna?", "shipping"],
      ["Siete aperti le domeniche?", "hours"],
      ["Posso pagare con la carta?", "payment"],
    ],
    strangers: ["Chi ha scritto la Divina Commedia?", "Quanto è alto il Vesuvio?"],
  },
  pt: {
    passages: {
      returns:
        "Você pode devolver artigos não usados em até trinta dias após o recebimento. As despesas de devolução são por nossa conta.",
      shipping:
        "Enviamos as encomendas em dois dias. O envio para os Açores tem uma taxa adicional.",
      hours: "A loja abre de segunda a sábado das nove às dezoito. Aos domingos está fechada.",
      payment: "O pagamento é feito com cartão de crédito ou transferência.",
    },
    asks: [
      ["Quantos dias tenho para devolver um artigo?", "returns"],
      ["Quanto custa o envio aos Acores?", "shipping"],
      ["A loja está aberta no domingo?", "hours"],
      ["Posso pagar com cartões de crédito?", "payment"],
    ],
    strangers: ["Quem escreveu Os Lusíadas?", "Qual é a altura do Pico da Neblina?"],
  },
  pl: {
    passages: {
      returns:
        "Nieużywany towar można zwrócić w ciągu trzydziestu dni od otrzymania. Koszt zwrotu pokrywamy my.",
      shipping: "Zamówienia wysyłamy w ciągu dwóch dni. Dostawa za granicę wymaga dopłaty.",
      hours:
        "Sklep jest otwarty od poniedziałku do soboty od dziewiątej do osiemnastej. W niedzielę jest zamknięty.",
      payment: "Płatność kartą kredytową lub przelewem.",
    },
    asks: [
      ["Ile dni mam na zwrot towaru?", "returns"],
      ["Ile kosztują dostawy za granicą?", "shipping"],
      ["Czy sklepy są otwarte w niedziele?", "hours"],
      ["Czy można zapłacić karta kredytowa?", "payment"],
    ],
    strangers: ["Kto napisał Pana Tadeusza?", "Jak wysokie są Rysy?"],
  },
  fi: {
    passages: {
      returns:
        "Voit palauttaa käyttämättömän tuotteen kolmenkymmenen päivän kuluessa vastaanottamisesta. Maksamme palautuksen postikulut.",
      shipping: "Lähetämme tilaukset kahden päivän kuluessa. Toimitus Ahvenanmaalle maksaa lisää.",
      hours:
        "Myymälä on avoinna maanantaista lauantaihin kello yhdeksästä kuuteen. Sunnuntaisin on suljettu.",
      payment: "Voit maksaa luottokortilla tai tilisiirrolla.",
    },
    asks: [
      ["Kuinka monta päivää minulla on aikaa tuotteen palauttamiseen?", "returns"],
      ["Paljonko maksaa toimitus Ahvenanmaahan?", "shipping"],
      ["Onko myymälänne auki sunnuntaina?", "hours"],
      ["Voinko käyttää luottokorttia?", "payment"],
    ],
    strangers: ["Kuka kirjoitti Kalevalan?", "Kuinka paljon norsu painaa?"],
  },
  hu: {
    passages: {
      returns:
        "A nem használt terméket az átvételtől számított harminc napon belül visszaküldheti. A visszaküldés költségét mi álljuk.",
      shipping: "A rendeléseket két napon belül feladjuk. A külföldi szállításért felárat kérünk.",
      hours: "Az üzlet hétfőtől szombatig kilenctől hatig tart nyitva. Vasárnap zárva vagyunk.",
      payment: "Fizethet bankkártyával vagy átutalással.",
    },
    asks: [
      ["Hány napom van a termékek visszaküldésére?", "returns"],
      ["Mennyibe kerül a szállítás külföldre?", "shipping"],
      ["Vasárnaponként nyitva van az üzlet?", "hours"],
      ["Lehet bankkártyával fizetni?", "payment"],
    ],
    strangers: ["Ki írta a Toldit?", "Milyen magas a Kékestető?"],
  },
  vi: {
    passages: {
      returns:
        "Bạn có thể trả lại hàng chưa sử dụng trong vòng ba mươi ngày kể từ khi nhận hàng. Chúng tôi chịu phí gửi trả.",
      shipping: "Chúng tôi gửi đơn hàng trong hai ngày. Giao hàng ra đảo có phụ phí.",
      hours:
        "Cửa hàng mở cửa từ thứ hai đến thứ bảy, chín giờ sáng đến sáu giờ chiều. Chủ nhật nghỉ.",
      payment: "Thanh toán bằng thẻ tín dụng hoặc chuyển khoản.",
    },
    asks: [
      ["Tôi có bao nhiêu ngày để trả lại hàng?", "returns"],
      ["Giao hàng ra đảo phụ phí bao nhiêu?", "shipping"],
      ["Chủ nhật cửa hàng có mở cửa không?", "hours"],
      ["Có thanh toán bằng thẻ tín dụng được không?", "payment"],
    ],
    strangers: ["Ai viết Truyện Kiều?", "Con voi nặng bao nhiêu kilôgam?"],
  },
}

let tenant: MadeTenant
beforeAll(async () => {
  tenant = await makeTenant()
})
afterAll(disconnect)

describe.each(Object.entries(speeches))("a bot that speaks %s", (language, speech) => {
  let botId: string
  const search = (question: string) => searchKnowledge(tenant.scope, botId, question, 4)
  beforeAll(async () => {
    botId = (await makeBot(tenant.scope, { locale: language })).id
    for (const [title, text] of Object.entries(speech.passages))
      await makeTextSource(tenant.scope, botId, { title, text })
  })

  test.each(speech.asks)("finds what %s asks for", async (question, topic) => {
    const found = await search(question)
    expect(found.passages[0]?.title).toBe(topic)
    expect(found.isRelevant).toBe(true)
  })

  test.each(speech.strangers)("does not take %s for its own", async (question) => {
    expect((await search(question)).isRelevant).toBe(false)
  })
})
