import { expect, test } from "vitest"
import { detectLanguage } from "./language.ts"

const samples: Record<string, string> = {
  en: "You can return anything within thirty days of the day it arrived at your door.",
  de: "Sie können alles innerhalb von dreißig Tagen nach der Lieferung zurückgeben.",
  fr: "Vous pouvez retourner tous les articles dans les trente jours après la livraison.",
  es: "Puede devolver cualquier artículo en los treinta días siguientes a la entrega.",
  pt: "Você pode devolver qualquer artigo em até trinta dias após a entrega.",
  it: "È possibile restituire gli articoli entro trenta giorni dalla consegna.",
  nl: "U kunt alles binnen dertig dagen na de levering aan ons terugsturen.",
  sv: "Du kan skicka tillbaka allt inom trettio dagar efter att det har levererats.",
  pl: "Możesz zwrócić wszystko w ciągu trzydziestu dni od dnia, w którym to otrzymasz.",
  cs: "Vše můžete vrátit do třiceti dnů od doručení a peníze vám pošleme zpět.",
  tr: "Her şeyi teslim aldıktan sonra otuz gün içinde iade edebilirsiniz.",
  ro: "Puteți returna orice articol în termen de treizeci de zile de la livrare.",
  vi: "Bạn có thể trả lại mọi thứ trong vòng ba mươi ngày kể từ ngày nhận hàng.",
  ru: "Вы можете вернуть любой товар в течение тридцати дней после доставки.",
  uk: "Ви можете повернути будь-який товар протягом тридцяти днів після доставки.",
  el: "Μπορείτε να επιστρέψετε τα πάντα μέσα σε τριάντα ημέρες.",
  ar: "يمكنك إرجاع أي شيء في غضون ثلاثين يومًا من تاريخ الاستلام.",
  fa: "شما می‌توانید هر کالایی را تا سی روز پس از تحویل بازگردانید.",
  he: "אפשר להחזיר כל מוצר בתוך שלושים יום מיום הקבלה.",
  hi: "आप डिलीवरी के तीस दिनों के भीतर कुछ भी वापस कर सकते हैं।",
  th: "คุณสามารถคืนสินค้าได้ภายในสามสิบวันหลังจากได้รับ",
  zh: "您可以在收到商品后的三十天内退货。",
  ja: "商品の到着から三十日以内であれば返品できます。",
  ko: "상품을 받은 날부터 삼십 일 이내에 반품할 수 있습니다.",
}

test.each(Object.entries(samples))("a sentence of %s is recognised", (language, text) => {
  expect(detectLanguage(text)).toBe(language)
})

test("text that gives nothing to go by has no language", () => {
  for (const text of ["", "12345", "SKU-99 / XL", "Nike Air Max"]) {
    expect(detectLanguage(text), text).toBeNull()
  }
})

test("a foreign cover page does not decide for the document", () => {
  expect(detectLanguage(`${samples.fr}\n${`${samples.de}\n`.repeat(400)}`)).toBe("de")
})
